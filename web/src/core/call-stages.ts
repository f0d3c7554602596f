/** The stages of a call on one time axis: ringing, flow, waiting, talk, hold. */

export interface Stage {
  is: "ringing" | "flow" | "waiting" | "talk" | "hold";
  from_ms: number;
  to_ms: number;
}

export interface Staged {
  started_at: number;
  answered_at: number | null;
  queued_at: number | null;
  connected_at: number | null;
  ended_at: number | null;
  timeline: readonly { at: number; kind: string }[];
}

/** Stages in order without gaps, in milliseconds after the start. `now` ends a call that is still on. */
export function stagesOf(call: Staged, now: number): Stage[] {
  const end = Math.max(call.started_at, call.ended_at ?? now);
  const marks: { at: number; is: Stage["is"] }[] = [{ at: call.started_at, is: "ringing" }];
  if (call.answered_at !== null) marks.push({ at: call.answered_at, is: "flow" });
  if (call.queued_at !== null) marks.push({ at: call.queued_at, is: "waiting" });
  if (call.connected_at !== null) marks.push({ at: call.connected_at, is: "talk" });
  for (const { at, kind } of call.timeline) {
    const is = SWITCHES[kind];
    if (is && call.connected_at !== null && at > call.connected_at) marks.push({ at, is });
  }
  marks.sort((a, b) => a.at - b.at);
  const stages: Stage[] = [];
  marks.forEach((mark, at) => {
    const from_ms = mark.at - call.started_at;
    const to_ms = Math.min(end, marks[at + 1]?.at ?? end) - call.started_at;
    const before = stages.at(-1);
    if (to_ms <= from_ms) return;
    if (before?.is === mark.is) before.to_ms = to_ms;
    else stages.push({ is: mark.is, from_ms, to_ms });
  });
  return stages;
}

export const STAGE_WORDS: Record<Stage["is"], string> = {
  ringing: "Ringing",
  flow: "In the flow",
  waiting: "Waiting",
  talk: "Talking",
  hold: "On hold",
};

const SWITCHES: Record<string, Stage["is"]> = {
  held: "hold",
  resumed: "talk",
  agent_silent: "hold",
  agent_back: "talk",
};
