/** The softphone as a value: what the desk told, what this tab is doing, and what follows from both. */

/** What of the desk's words the state looks into; the rest is carried for the screen. */
export interface Told {
  now: number;
  presence: string;
  reachable: boolean;
  ringing: readonly { call: string }[];
  call: { call: string; caller: { name: string; phone: string }; since: number; state: string } | null;
}

export type Link = { is: "connecting" } | { is: "open" } | { is: "lost"; retry_at: number };
/** Who holds the phone: this tab, another tab of this browser, or a window we cannot see. */
export type Lead = "asking" | "here" | "other_tab" | "other_window";
export type Leg = "none" | "attaching" | "connected" | "lost";
export type Mic = "off" | "opening" | "on" | "blocked" | "missing" | "failed" | "insecure";

export interface PhoneState<T extends Told> {
  link: Link;
  lead: Lead;
  leg: Leg;
  leg_trouble: string | null;
  mic: Mic;
  muted: boolean;
  /** The browser refuses to play sound before a click. */
  sound_blocked: boolean;
  told: T | null;
  /** The desk's clock minus ours. */
  desk_ahead_ms: number;
  /** Ringing calls this tab has answered or declined and the desk has not taken away yet. */
  pressed: Readonly<Record<string, "answer" | "decline">>;
  /** The last call that ended while this tab was looking. */
  ended: { call: string; name: string; talk_ms: number } | null;
  notices: readonly { id: number; text: string }[];
}

export type Happening<T extends Told> =
  | { is: "link"; link: Link }
  | { is: "told"; told: T; at: number }
  | { is: "notice"; text: string }
  | { is: "notice_read"; id: number }
  | { is: "detached" }
  | { is: "lead"; lead: Lead }
  | { is: "leg"; leg: Leg; trouble?: string }
  | { is: "mic"; mic: Mic }
  | { is: "muted"; muted: boolean }
  | { is: "sound_blocked"; blocked: boolean }
  | { is: "pressed"; call: string; what: "answer" | "decline" }
  | { is: "unpressed"; call: string }
  | { is: "end_read" };

export function newPhone<T extends Told>(): PhoneState<T> {
  return {
    link: { is: "connecting" },
    lead: "asking",
    leg: "none",
    leg_trouble: null,
    mic: "off",
    muted: false,
    sound_blocked: false,
    told: null,
    desk_ahead_ms: 0,
    pressed: {},
    ended: null,
    notices: [],
  };
}

/** The next state. Pure. */
export function next<T extends Told>(state: PhoneState<T>, what: Happening<T>): PhoneState<T> {
  switch (what.is) {
    case "link":
      return { ...state, link: what.link };
    case "told":
      return hear(state, what.told, what.at);
    case "notice":
      return {
        ...state,
        notices: [...state.notices, { id: (state.notices.at(-1)?.id ?? 0) + 1, text: what.text }].slice(
          -NOTICES_MAX,
        ),
      };
    case "notice_read":
      return { ...state, notices: state.notices.filter((n) => n.id !== what.id) };
    case "detached":
      // Between tabs of one browser the lock has the first word and knows better who took the phone.
      return state.lead === "here" ? { ...state, lead: "other_window" } : state;
    case "lead":
      return { ...state, lead: what.lead };
    case "leg":
      return {
        ...state,
        leg: what.leg,
        leg_trouble: what.leg === "connected" ? null : (what.trouble ?? state.leg_trouble),
      };
    case "mic":
      return { ...state, mic: what.mic };
    case "muted":
      return { ...state, muted: what.muted };
    case "sound_blocked":
      return { ...state, sound_blocked: what.blocked };
    case "pressed":
      return { ...state, pressed: { ...state.pressed, [what.call]: what.what } };
    case "unpressed": {
      const { [what.call]: _, ...pressed } = state.pressed;
      return { ...state, pressed };
    }
    case "end_read":
      return { ...state, ended: null };
  }
}

/** Calls that ring and that nobody here has pressed a button on. */
export function stillRinging<T extends Told>(state: PhoneState<T>): T["ringing"] {
  return state.told?.ringing.filter((r) => !(r.call in state.pressed)) ?? [];
}

/** The call this tab is taking and the desk has not given it yet. */
export function answering<T extends Told>(state: PhoneState<T>): string | null {
  return Object.keys(state.pressed).find((call) => state.pressed[call] === "answer") ?? null;
}

/** This tab should hold the standing leg: it leads, it is heard, and calls may come or one is on. */
export function wantsLeg<T extends Told>(state: PhoneState<T>): boolean {
  if (state.lead !== "here" || state.told === null) return false;
  return state.told.presence !== "offline" || state.told.call !== null;
}

/** This tab should hold the microphone: only for a call, never before. */
export function wantsMic<T extends Told>(state: PhoneState<T>): boolean {
  return state.lead === "here" && (state.told?.call != null || answering(state) !== null);
}

/** The desk's clock, now. */
export function deskNow<T extends Told>(state: PhoneState<T>, now: number): number {
  return now + state.desk_ahead_ms;
}

function hear<T extends Told>(state: PhoneState<T>, told: T, at: number): PhoneState<T> {
  const was = state.told?.call ?? null;
  const over = was !== null && told.call?.call !== was.call;
  const fresh = told.call !== null && told.call.call !== was?.call;
  // WHY an answer outlives its ringing: the desk takes the ringing away a moment before it gives the call, and the
  // microphone must not blink in between. The desk's yes or no ends it.
  const ringing = new Set(told.ringing.map((r) => r.call));
  const pressed = Object.fromEntries(
    Object.entries(state.pressed).filter(([call, what]) =>
      what === "answer" ? told.call?.call !== call : ringing.has(call),
    ),
  );
  return {
    ...state,
    told,
    desk_ahead_ms: told.now - at,
    pressed,
    muted: over || fresh ? false : state.muted,
    ended: over
      ? {
          call: was.call,
          name: was.caller.name || was.caller.phone,
          talk_ms: Math.max(0, told.now - was.since),
        }
      : fresh
        ? null
        : state.ended,
  };
}

const NOTICES_MAX = 3;
