/** Which key does what while the phone panel has the focus (WCAG 2.1.4: single keys only there). */

export type KeyDeed =
  | "answer"
  | "decline"
  | "mute"
  | "hold"
  | "keypad"
  | "end"
  | "status"
  | "help"
  | "close_keypad"
  | { digit: string };

export interface Standing {
  ringing: boolean;
  on_call: boolean;
  keypad_open: boolean;
}

/** The deed of a key, or nothing. Keys with Ctrl, Alt or Meta are never ours. */
export function deedOf(key: string, on: Standing): KeyDeed | null {
  if (on.keypad_open) {
    if (/^[0-9*#]$/.test(key)) return { digit: key };
    if (key === "Escape") return "close_keypad";
  }
  const letter = key.toLowerCase();
  if (letter === "?") return "help";
  if (letter === "s") return "status";
  if (on.ringing && letter === "a") return "answer";
  if (on.ringing && letter === "d") return "decline";
  if (!on.on_call) return null;
  return CALL_KEYS[letter] ?? null;
}

/** The list that `?` shows. */
export const SHORTCUTS: readonly { keys: string; does: string }[] = [
  { keys: "Ctrl .", does: "Go to the phone" },
  { keys: "A", does: "Answer the first ringing call" },
  { keys: "D", does: "Decline it; it keeps ringing for others" },
  { keys: "M", does: "Mute and unmute" },
  { keys: "H", does: "Hold and resume" },
  { keys: "K", does: "Keypad, then 0–9 * #" },
  { keys: "E", does: "End the call" },
  { keys: "S", does: "Status menu" },
  { keys: "?", does: "This list" },
];

const CALL_KEYS: Record<string, KeyDeed> = { m: "mute", h: "hold", k: "keypad", e: "end" };
