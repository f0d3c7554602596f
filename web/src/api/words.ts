/** The server's words, as api.md and model/softphone.rs give them. */

export type Millis = number;
export type Presence = "available" | "busy" | "away" | "offline";
export type Role = "agent" | "supervisor" | "admin";
export type Direction = "incoming" | "outgoing";
export type CallStatus =
  | "ringing"
  | "ivr"
  | "queued"
  | "connected"
  | "on_hold"
  | "completed"
  | "missed"
  | "abandoned"
  | "rejected"
  | "failed";
export type EndedBy = "caller" | "agent" | "flow" | "system";

export interface Named {
  id: string;
  name: string;
}

export interface Me {
  id: string;
  name: string;
  email: string;
  role: Role;
  organisation: Named;
}

export interface Call {
  id: string;
  wacid: string;
  direction: Direction;
  status: CallStatus;
  account: Named;
  contact: { name: string; phone: string };
  flow: { id: string; name: string; version: number } | null;
  team: Named | null;
  agent: Named | null;
  started_at: Millis;
  answered_at: Millis | null;
  queued_at: Millis | null;
  connected_at: Millis | null;
  ended_at: Millis | null;
  wait_ms: number;
  talk_ms: number;
  hold_ms: number;
  ended_by: EndedBy | null;
  end_reason: string | null;
  recording: "none" | "recording" | "ready" | "failed";
  digits: string;
}

export interface TimelineEntry {
  seq: number;
  at: Millis;
  kind: string;
  text: string;
  data: Record<string, unknown>;
}

export interface Recording {
  id: string;
  state: Call["recording"];
  duration_ms: number | null;
  bytes: number | null;
  reason: string | null;
}

export type CallDetail = Omit<Call, "recording"> & { timeline: TimelineEntry[]; recording: Recording | null };

export interface CallPage {
  items: Call[];
  next: string | null;
}

export interface FlowSummary {
  id: string;
  name: string;
  published_version: number | null;
  draft_revision: number;
  numbers: string[];
}

export interface FlowNode {
  id: string;
  kind: string;
  name: string;
  at?: { x: number; y: number };
  [property: string]: unknown;
}

export interface Flow {
  name: string;
  entry: string;
  nodes: FlowNode[];
  exits: { from: string; on: string; to: string }[];
}

export interface FlowDetail {
  id: string;
  name: string;
  published_version: number | null;
  flow: Flow;
}

export interface Account extends Named {
  display_number: string;
  start_flow: string | null;
  calling_enabled: boolean;
}

export interface Agent extends Named {
  role: Role;
  presence: Presence;
  since: Millis;
  reachable: boolean;
  call: string | null;
}

export interface Caller {
  name: string;
  phone: string;
}

export interface RingingCall {
  call: string;
  caller: Caller;
  team: string;
  waiting_since: Millis;
  so_far: string[];
}

export type AgentCallState = "connecting" | "connected" | "on_hold" | "reconnecting";

export interface AgentCall {
  call: string;
  caller: Caller;
  team: string;
  state: AgentCallState;
  since: Millis;
  held_since: Millis | null;
  recording: boolean;
  so_far: string[];
}

export interface Softphone {
  user: string;
  presence: Presence;
  presence_since: Millis;
  reachable: boolean;
  ringing: RingingCall[];
  call: AgentCall | null;
  now: Millis;
}

export type Ask =
  | { ask: "attach"; offer: string }
  | { ask: "presence"; presence: Presence; reason: string | null }
  | { ask: "answer"; call: string }
  | { ask: "decline"; call: string }
  | { ask: "hold" }
  | { ask: "resume" }
  | { ask: "hang_up" }
  | { ask: "digits"; digits: string }
  | { ask: "pong" };

export type ToTab =
  | ({ tell: "state" } & Softphone)
  | { tell: "attached"; id: number; answer: string }
  | { tell: "done"; id: number }
  | { tell: "refused"; id: number; why: string }
  | { tell: "notice"; text: string }
  | { tell: "detached" }
  | { tell: "ping" };
