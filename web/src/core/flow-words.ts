/** Nodes and exits in words: what a node does, and what each way out of it is called. */

export type Worded = object & { kind: string };

/** A property by name, whatever the kind. */
function of(node: Worded, property: string): unknown {
  return (node as Record<string, unknown>)[property];
}

export interface Handle {
  on: string;
  label: string;
}

/** The kind of a node, as people call it. */
export function kindWord(kind: string): string {
  return KINDS[kind] ?? kind;
}

/** What people call a node: its name, else its kind. */
export function titleOf(node: { kind: string; name?: string }): string {
  return node.name || kindWord(node.kind);
}

/** What a kind of node does, for the palette. */
export function kindHint(kind: string): string {
  return HINTS[kind] ?? "";
}

/** A property's name, as people call it. */
export function fieldWord(field: string): string {
  return FIELDS[field] ?? field;
}

/** One line about what is set. */
export function summary(node: Worded): string {
  switch (node.kind) {
    case "greeting":
      return of(node, "interruptible") === true ? "A key skips it" : "Played to the end";
    case "menu":
      return `${count(list(of(node, "options")).length, "option")} · ${number(of(node, "timeout_secs"), 10)} s · ${count(number(of(node, "max_retries"), 3), "retry", "retries")}`;
    case "gather":
      return `Up to ${count(number(of(node, "max_digits"), 10), "digit")} into ${text(of(node, "store_as")) || "nothing"}`;
    case "http_callback":
      return `${text(of(node, "method")) || "GET"} ${text(of(node, "url"))}`;
    case "transfer":
      return "The caller waits with music";
    case "goto_flow":
      return "Goes on in another flow";
    case "timing":
      return text(of(node, "timezone")) || "Opening hours";
    case "hangup":
      return spoken(node) ? "Says goodbye and ends the call" : "Ends the call";
    default:
      return "";
  }
}

/** What the caller hears at this node: the words in quotes, else the name of the clip, else nothing. */
export function spoken(node: Worded): string {
  const prompt = of(node, "prompt");
  if (typeof prompt !== "object" || prompt === null) return "";
  if ("text" in prompt && text(prompt.text)) return `“${text(prompt.text)}”`;
  return "clip" in prompt ? text(prompt.clip).replace(/^.*\//, "") : "";
}

/** Every way out a node offers, connected or not, in the order they are shown. */
export function handlesOf(node: Worded): Handle[] {
  switch (node.kind) {
    case "menu":
      return [
        ...list(of(node, "options")).map((o) => ({
          on: `digit:${text(o.digit)}`,
          label: `${text(o.digit)} ${text(o.label)}`.trim(),
        })),
        HANDLES.timeout,
        HANDLES.max_retries,
        { on: "default", label: "other key" },
      ];
    case "gather":
      return [{ on: "default", label: "entered" }, HANDLES.timeout, HANDLES.max_retries];
    case "http_callback":
      return [HANDLES.onward, { on: "http_error", label: "error" }];
    case "timing":
      return [
        { on: "in_hours", label: "open" },
        { on: "out_of_hours", label: "closed" },
      ];
    case "greeting":
      return [HANDLES.onward];
    default:
      return [];
  }
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((v) => typeof v === "object" && v !== null) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown, fallback: number): number {
  return typeof value === "number" ? value : fallback;
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

const HANDLES = {
  onward: { on: "default", label: "then" },
  timeout: { on: "timeout", label: "silence" },
  max_retries: { on: "max_retries", label: "retries used up" },
};

const KINDS: Record<string, string> = {
  greeting: "Greeting",
  menu: "Menu",
  gather: "Gather digits",
  http_callback: "Web request",
  transfer: "Transfer",
  goto_flow: "Go to flow",
  timing: "Opening hours",
  hangup: "Hang up",
};

const HINTS: Record<string, string> = {
  greeting: "Plays a prompt and goes on",
  menu: "Plays a prompt, branches on one key",
  gather: "Takes a number the caller types",
  http_callback: "Asks a web service",
  transfer: "Puts the caller in a team’s queue",
  goto_flow: "Goes on in another flow",
  timing: "Branches on opening hours",
  hangup: "Says goodbye, ends the call",
};

const FIELDS: Record<string, string> = {
  name: "name",
  prompt: "prompt",
  interruptible: "a key skips it",
  timeout_secs: "seconds to wait",
  max_retries: "retries",
  options: "keys",
  max_digits: "most digits",
  terminator: "end key",
  store_as: "stored as",
  sensitive: "sensitive",
  url: "address",
  method: "method",
  headers: "headers",
  body: "body",
  store_response_as: "answer stored as",
  team: "team",
  flow: "flow",
  timezone: "time zone",
  days: "hours",
};
