/** A call in words: its status, who ended it and why, the stages it went through. */
import { span } from "./time";

export type StatusTone = "plain" | "brand" | "go" | "hold" | "stop" | "wait";

/** The chip of a status. */
export function statusWord(status: string): { word: string; tone: StatusTone; live: boolean } {
  return STATUS[status] ?? { word: status, tone: "plain", live: false };
}

/** The call is over. */
export function isFinal(status: string): boolean {
  return FINAL.has(status);
}

export interface Summed {
  status: string;
  direction: string;
  contact: { name: string; phone: string };
  agent: { name: string } | null;
  team: { name: string } | null;
  flow: { name: string } | null;
  wait_ms: number;
  talk_ms: number;
  hold_ms: number;
  ended_by: string | null;
  end_reason: string | null;
}

/** One sentence: who ended the call, and why; for a live one, where it stands. */
export function endSentence(call: Summed): string {
  const caller = call.contact.name || "The caller";
  if (!isFinal(call.status)) return liveSentence(call, caller);
  const reason = call.end_reason ? asSentence(call.end_reason) : "";
  const why = reason ? ` ${reason}` : "";
  switch (call.status) {
    case "completed":
      return completed(call, caller) + why;
    case "missed":
      return `Nobody${call.team ? ` of ${call.team.name}` : ""} answered in ${span(call.wait_ms)}.${why}`;
    case "abandoned":
      return `${caller} hung up after waiting ${span(call.wait_ms)}.${why}`;
    case "rejected":
      return `The call was refused before it was answered.${why}`;
    default:
      return `Something broke and the call ended.${why}`;
  }
}

/** Who ended it, in a table cell. */
export function enderWord(call: { ended_by: string | null; agent: { name: string } | null }): string {
  switch (call.ended_by) {
    case "caller":
      return "Caller";
    case "agent":
      return call.agent?.name ?? "Agent";
    case "flow":
      return "Flow";
    case "system":
      return "Patchbay";
    default:
      return "–";
  }
}

function completed(call: Summed, caller: string): string {
  const talk = call.talk_ms > 0 ? ` after ${span(call.talk_ms)} of talk` : "";
  switch (call.ended_by) {
    case "caller":
      return `${caller} hung up${talk}.`;
    case "agent":
      return `${call.agent?.name ?? "The agent"} hung up${talk}.`;
    case "flow":
      return `The flow${call.flow ? ` “${call.flow.name}”` : ""} ended the call.`;
    default:
      return `Patchbay ended the call${talk}.`;
  }
}

function liveSentence(call: Summed, caller: string): string {
  switch (call.status) {
    case "ringing":
      return `${caller} is calling.`;
    case "ivr":
      return `${caller} is walking through ${call.flow ? `“${call.flow.name}”` : "a flow"}.`;
    case "queued":
      return `${caller} is waiting${call.team ? ` for ${call.team.name}` : ""}.`;
    case "on_hold":
      return `${call.agent?.name ?? "The agent"} has put ${caller} on hold.`;
    default:
      return `${caller} is talking to ${call.agent?.name ?? "an agent"}.`;
  }
}

function asSentence(reason: string): string {
  const known = REASONS[reason];
  if (known !== undefined) return known;
  const plain = reason.replaceAll("_", " ").trim();
  const first = plain.charAt(0).toLocaleUpperCase() + plain.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** Codes of the desk; those whose fact the sentence has told already add nothing. */
const REASONS: Record<string, string> = {
  caller_hung_up: "",
  agent_hung_up: "",
  flow_ended: "",
  no_answer: "",
  ended_by_force: "A supervisor ended it.",
  max_duration: "It had reached the longest duration allowed.",
  no_such_team: "The team it was meant for is gone.",
  no_flow: "No flow starts at this number.",
  calling_disabled: "Calling is switched off for this number.",
  ice_failed: "No media path to WhatsApp was found.",
  dtls_failed: "The media keys could not be agreed with WhatsApp.",
  media_lost: "The media path to WhatsApp was lost.",
  media_refused: "The media server refused it.",
  accept_refused: "WhatsApp did not let us answer.",
  accept_failed: "WhatsApp could not be reached to answer.",
};

const FINAL = new Set(["completed", "missed", "abandoned", "rejected", "failed"]);

const STATUS: Record<string, { word: string; tone: StatusTone; live: boolean }> = {
  ringing: { word: "Ringing", tone: "brand", live: true },
  ivr: { word: "In flow", tone: "brand", live: true },
  queued: { word: "Waiting", tone: "wait", live: true },
  connected: { word: "Talking", tone: "go", live: true },
  on_hold: { word: "On hold", tone: "hold", live: true },
  completed: { word: "Completed", tone: "plain", live: false },
  missed: { word: "Missed", tone: "stop", live: false },
  abandoned: { word: "Abandoned", tone: "hold", live: false },
  rejected: { word: "Rejected", tone: "stop", live: false },
  failed: { word: "Failed", tone: "stop", live: false },
};

/** Every status, for a choice. */
export const STATUSES: readonly { value: string; label: string }[] = [
  "ringing",
  "ivr",
  "queued",
  "connected",
  "on_hold",
  "completed",
  "missed",
  "abandoned",
  "rejected",
  "failed",
].map((value) => ({ value, label: statusWord(value).word }));
