/** The server's words as the app uses them: names for the generated types, nothing of its own. */
import type * as gen from "./schema.gen";

export type {
  AccountSummary,
  AgentCall,
  AgentSummary,
  Ask,
  Call,
  CallDetail,
  CallPage,
  FlowDetail,
  Me,
  Presence,
  Recording,
  RecordingLink,
  RingingCall,
  Role,
  Softphone,
  TimelineEntry,
  ToTab,
} from "./schema.gen";

export type FlowSummary = gen.FlowSummary & { changed: boolean; archived: boolean; updated_at: number };
/* WRITTEN BY HAND UNTIL THE DOCUMENT HAS THEM */
export interface FlowDraft {
  id: string;
  name: string;
  revision: number;
  published_version: number | null;
  changed: boolean;
  archived: boolean;
  updated_at: number;
  updated_by: { id: string; name: string } | null;
  numbers: string[];
  flow: gen.Flow;
  problems: Problem[];
}
export interface Problem {
  code: string;
  severity: "error" | "warning";
  node: string | null;
  text: string;
}
export interface Checked {
  publishable: boolean;
  problems: Problem[];
}
export interface VersionSummary {
  version: number;
  is_current: boolean;
  note: string;
  published_by: { id: string; name: string } | null;
  published_at: number;
  calls: number;
}
export type VersionDetail = VersionSummary & { flow: gen.Flow };
export interface FlowUses {
  numbers: string[];
  flows: { id: string; name: string }[];
  calls: number;
  live_calls: number;
}
export interface Script {
  at: number;
  caller_phone: string;
  events: { after_ms?: number; once_asked?: boolean; press?: string; hang_up?: boolean }[];
  answers: { node?: string; status?: number; body?: string; took_ms?: number; fails?: string }[];
}
export type Ended =
  | { how: "transferred"; team: string }
  | { how: "hung_up"; reason: string; by_fault: boolean }
  | { how: "caller_hung_up" }
  | { how: "unfinished" };
export type TraceLine = { at_ms: number; flow: string; node: string } & (
  | { what: "log"; kind: string; text: string; data: object }
  | {
      what: "prompt";
      prompt: { clip?: string | null; text?: string | null };
      length_ms: number;
      heard_ms: number;
    }
  | { what: "key"; key: string }
  | { what: "request"; method: string; url: string; body: string | null }
  | { what: "variable"; name: string; text: string; sensitive: boolean }
  | ({ what: "end" } & Ended)
);
export interface Simulation {
  lines: TraceLine[];
  exits: { from: string; on: string; to: string }[];
  variables: { name: string; text: string; sensitive: boolean }[];
  ended: Ended;
  lasted_ms: number;
}
