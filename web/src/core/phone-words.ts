/** The softphone's state in words: one line on top, and problems as sentences with a deed. */
import { deskNow, type PhoneState, type Told } from "./phone-state";

export type Standing = { tone: "go" | "hold" | "stop" | "plain"; word: string; more: string };

/** What the top of the panel says when no call is on. */
export function standing<T extends Told>(state: PhoneState<T>): Standing {
  if (state.link.is === "lost")
    return { tone: "stop", word: "Not connected", more: "Calls cannot ring here right now." };
  if (state.link.is === "connecting" || state.told === null)
    return { tone: "plain", word: "Connecting", more: "Reaching the desk." };
  if (state.lead === "other_tab" || state.lead === "other_window")
    return { tone: "plain", word: "Phone is elsewhere", more: "This tab only shows what happens." };
  switch (state.told.presence) {
    case "available":
      return state.told.reachable
        ? { tone: "go", word: "Ready", more: "Calls will ring here." }
        : { tone: "hold", word: "Getting ready", more: "Connecting the sound, so calls can ring." };
    case "busy":
      return { tone: "hold", word: "Busy", more: "Calls do not ring here." };
    case "away":
      return { tone: "hold", word: "Away", more: "Calls do not ring here." };
    default:
      return { tone: "plain", word: "Off duty", more: "Go Available and calls will ring here." };
  }
}

export type Deed = "use_this_tab" | "try_microphone" | "turn_sound_on" | "reconnect_now";
export type Problem = {
  id: string;
  tone: "stop" | "hold" | "info";
  text: string;
  deed: Deed | null;
  label: string;
};

/** Everything that keeps a call from ringing or sounding, worst first. */
export function problems<T extends Told>(state: PhoneState<T>, now: number): Problem[] {
  const list: Problem[] = [];
  const onCall = state.told?.call != null;
  if (state.link.is === "lost") {
    const seconds = Math.max(0, Math.ceil((state.link.retry_at - now) / 1000));
    const soon = seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again now.";
    const when = Number.isFinite(seconds) ? soon : "This tab waits for you.";
    const call = onCall ? " Your call goes on." : "";
    list.push({
      id: "link",
      tone: "stop",
      text: `The connection to the desk is gone.${call} ${when}`,
      deed: "reconnect_now",
      label: "Try now",
    });
  }
  if (state.lead === "other_tab")
    list.push({
      id: "lead",
      tone: "info",
      text: "Your phone is in another tab.",
      deed: "use_this_tab",
      label: "Use this tab",
    });
  if (state.lead === "other_window")
    list.push({
      id: "lead",
      tone: "info",
      text: "Your phone is in another window or on another device.",
      deed: "use_this_tab",
      label: "Use this tab",
    });
  const mic = MIC_PROBLEMS[state.mic];
  if (mic && state.lead === "here") list.push(mic);
  if (state.sound_blocked && state.lead === "here")
    list.push({
      id: "sound",
      tone: "hold",
      text: "The browser plays no sound before you click once in this page.",
      deed: "turn_sound_on",
      label: "Turn sound on",
    });
  if (state.leg === "lost" && state.lead === "here" && state.link.is === "open")
    list.push({
      id: "leg",
      tone: "hold",
      text: state.leg_trouble ?? "The sound connection broke. Connecting it again.",
      deed: null,
      label: "",
    });
  return list;
}

/** The word beside the timer of a call. */
export function callWord<T extends Told>(state: PhoneState<T>): string {
  switch (state.told?.call?.state) {
    case "connecting":
      return "Connecting";
    case "on_hold":
      return "On Hold";
    case "reconnecting":
      return "Reconnecting";
    default:
      return state.leg === "connected" || state.lead !== "here" ? "Connected" : "Reconnecting";
  }
}

/** Time since a moment of the desk's. */
export function since<T extends Told>(state: PhoneState<T>, at: number, now: number): number {
  return Math.max(0, deskNow(state, now) - at);
}

const MIC_PROBLEMS: Partial<Record<string, Problem>> = {
  blocked: {
    id: "mic",
    tone: "stop",
    text: "Your microphone is blocked by the browser. Allow it beside the address, then try again.",
    deed: "try_microphone",
    label: "Try again",
  },
  missing: {
    id: "mic",
    tone: "stop",
    text: "No microphone was found. Plug one in, then try again.",
    deed: "try_microphone",
    label: "Try again",
  },
  failed: {
    id: "mic",
    tone: "stop",
    text: "The microphone did not start. Another program may be holding it.",
    deed: "try_microphone",
    label: "Try again",
  },
  insecure: {
    id: "mic",
    tone: "stop",
    text: "Browsers give a page the microphone only over HTTPS or on localhost. Open Patchbay by its HTTPS address.",
    deed: null,
    label: "",
  },
};
