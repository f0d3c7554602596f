/** A call that is tried out: what the caller does, and the line of the trace in words. */

export type Act = { press: string } | { wait: true } | { hang_up: true };

export interface ScriptEvent {
  once_asked: boolean;
  after_ms: number;
  press: string;
  hang_up: boolean;
}

/** Acts as the simulator takes them: each key when a question has been heard; silence lets the next one come later. */
export function eventsOf(acts: readonly Act[], silence_ms: number): ScriptEvent[] {
  const events: ScriptEvent[] = [];
  let waited_ms = 0;
  for (const act of acts) {
    if ("wait" in act) {
      waited_ms += silence_ms;
      continue;
    }
    const press = "press" in act ? act.press : "";
    events.push({ once_asked: true, after_ms: waited_ms + ACT_MS, press, hang_up: press === "" });
    waited_ms = 0;
  }
  return events;
}

export function actWord(act: Act): string {
  if ("press" in act) return act.press;
  return "wait" in act ? "silence" : "hangs up";
}

const ACT_MS = 500;
