/** A small word with a colour and a dot: a status, told by both. */
import type { ReactNode } from "react";
import { classes } from "./classes";

export type BadgeTone = "plain" | "brand" | "go" | "hold" | "stop" | "wait";

/** `live` lets the dot breathe. */
export function Badge({
  tone = "plain",
  live = false,
  dot = true,
  children,
}: {
  tone?: BadgeTone;
  live?: boolean;
  dot?: boolean;
  children: ReactNode;
}) {
  return (
    <span
      className={classes(
        "inline-flex h-6 items-center gap-1.5 whitespace-nowrap rounded-full px-2.5 font-medium text-xs",
        TONES[tone],
      )}
    >
      {dot ? (
        <span
          aria-hidden="true"
          className={classes("size-1.5 rounded-full bg-current", live && "animate-breathe")}
        />
      ) : null}
      {children}
    </span>
  );
}

const TONES: Record<BadgeTone, string> = {
  plain: "bg-well text-soft",
  brand: "bg-brand-wash text-brand-strong",
  go: "bg-go-wash text-go-strong",
  hold: "bg-hold-wash text-hold-ink",
  stop: "bg-stop-wash text-stop-ink",
  wait: "bg-wait-wash text-wait",
};
