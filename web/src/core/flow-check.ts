/** What is typed into a field, judged in words while it is typed. The limits are the server's (`ivr/parse.rs`). */

/** A sentence, or null when it is fine. */
export type Verdict = string | null;

/** A whole number within bounds, as typed. */
export function checkNumber(typed: string, from: number, to: number, unit = ""): Verdict {
  if (!/^\d+$/.test(typed.trim())) return `A whole number from ${from} to ${to}.`;
  const n = Number(typed);
  if (n < from) return `At least ${from}${unit && ` ${unit}`}.`;
  if (n > to) return `At most ${to}${unit && ` ${unit}`}.`;
  return null;
}

/** A variable's name. Empty is allowed where nothing is to be stored. */
export function checkVariable(name: string, needed: boolean): Verdict {
  if (name === "") return needed ? "Give it a name, so that it can be used later." : null;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return "Letters, digits and _ only, not starting with a digit.";
  if (BUILT_IN.includes(name)) return `{{${name}}} is set by Patchbay and cannot be overwritten.`;
  if (name.length > NAME_MAX) return `At most ${NAME_MAX} characters.`;
  return null;
}

/** Where a web request goes: scheme, host and port written out, variables behind them. */
export function checkUrl(url: string): Verdict {
  if (url.trim() === "") return "Where should it ask? For example https://crm.example.com/callers.";
  const match = /^(https?):\/\/([^/?#]*)/.exec(url);
  if (!match) return "It begins with https:// or http://.";
  const host = match[2] ?? "";
  if (host === "") return "The host is missing.";
  if (host.includes("{{")) return "The host is written out; variables can stand behind it.";
  if (host.includes("@")) return "No user name in the address; use a header.";
  return checkBraces(url);
}

/** Braces come in pairs around a name. */
export function checkBraces(text: string): Verdict {
  const left = text.replace(/\{\{\s*[A-Za-z_][A-Za-z0-9_.]*\s*\}\}/g, "");
  if (!left.includes("{{") && !left.includes("}}")) return null;
  return "A variable is written {{name}}.";
}

export function checkHeaderName(name: string): Verdict {
  if (name === "") return "A header needs a name.";
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ? null : "Letters, digits and - only.";
}

export function checkHeaderValue(value: string): Verdict {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
  return /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value) ? "One line of text." : checkBraces(value);
}

/** A JSON body stays JSON when the variables are filled in. */
export function checkBody(body: string): Verdict {
  if (body.trim() === "") return null;
  if (!/^\s*[[{]/.test(body) || body.trimStart().startsWith("{{")) return checkBraces(body);
  try {
    JSON.parse(body);
    return checkBraces(body);
  } catch {
    return 'It begins like JSON, but is none. Variables stand inside quotes: "{{name}}".';
  }
}

/** `HH:MM`; the end of a day may be 24:00. */
export function checkTime(time: string, end: boolean): Verdict {
  if (end && time === "24:00") return null;
  return /^([01]\d|2[0-3]):[0-5]\d$/.test(time)
    ? null
    : `A time like ${end ? "17:30, up to 24:00" : "09:00"}.`;
}

/** An IANA name this browser knows. */
export function checkTimezone(zone: string): Verdict {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone.includes("/") || zone === "UTC" ? null : "A name like Europe/Berlin.";
  } catch {
    return "There is no such time zone. A name like Europe/Berlin.";
  }
}

export function checkName(name: string): Verdict {
  return new TextEncoder().encode(name).length > NAME_MAX ? `At most ${NAME_MAX} characters.` : null;
}

/** `9:5` or `900` as people type, `HH:MM` as it is kept. */
export function tidyTime(typed: string): string {
  const match = /^(\d{1,2})[:.h ]?(\d{2})?$/.exec(typed.trim());
  if (!match) return typed.trim();
  return `${(match[1] ?? "").padStart(2, "0")}:${match[2] ?? "00"}`;
}

const BUILT_IN = ["caller_phone", "caller_id", "call_id"];
const NAME_MAX = 200;
