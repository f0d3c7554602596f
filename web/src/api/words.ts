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
  FlowSummary,
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
export type FlowNode = gen.Node;
export type Flow = Required<gen.Flow>;
