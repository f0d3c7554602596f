/** The twelve keys, the digits sent so far, and the physical keys while it is open. */
import { useState } from "react";
import { classes } from "../../ui/classes";

/** `onDigit` is asked once a key; a pasted number is sent key by key. */
export function Keypad({ onDigit }: { onDigit: (digit: string) => void }) {
  const [sent, setSent] = useState("");
  const [lit, setLit] = useState("");
  const press = (digit: string) => {
    setSent((s) => (s + digit).slice(-SHOWN_MAX));
    setLit(digit);
    setTimeout(() => setLit((now) => (now === digit ? "" : now)), 140);
    onDigit(digit);
  };
  const paste = (text: string) => {
    [...text.replace(/[^0-9*#]/g, "")].slice(0, SHOWN_MAX).forEach((digit, at) => {
      setTimeout(() => press(digit), at * PASTE_GAP_MS);
    });
  };
  return (
    <fieldset className="mt-3 animate-rise" onPaste={(event) => paste(event.clipboardData.getData("text"))}>
      <legend className="sr-only">Keypad</legend>
      <output
        aria-label="Digits sent"
        className="block h-7 truncate text-center font-medium text-lg tabular-nums tracking-[0.15em]"
      >
        {sent || (
          <span className="font-normal text-faint text-xs tracking-normal">Type or press; Esc closes</span>
        )}
      </output>
      <div className="mt-1 grid grid-cols-3 gap-1.5">
        {KEYS.map(([digit, letters]) => (
          <button
            key={digit}
            type="button"
            data-digit={digit}
            onClick={() => press(digit)}
            className={classes(
              "flex h-13 flex-col items-center justify-center rounded-lg transition-colors active:bg-brand-wash",
              lit === digit ? "bg-brand-wash text-brand-strong" : "bg-well hover:bg-hover",
            )}
          >
            <span className="font-medium text-lg leading-5">{digit}</span>
            <span aria-hidden="true" className="h-3 text-[0.5625rem] text-faint leading-3 tracking-[0.12em]">
              {letters}
            </span>
          </button>
        ))}
      </div>
    </fieldset>
  );
}

const SHOWN_MAX = 32;
const PASTE_GAP_MS = 260;
const KEYS = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", "+"],
  ["#", ""],
] as const;
