/** The two lanes of a recording as outlines, the part already heard in full colour, holds hatched. */
import type { ReactNode } from "react";
import { classes } from "../../ui/classes";

/** `share` of the whole has been heard. The child is the slider that lies over the lanes. */
export function Lanes({
  names,
  peaks,
  share,
  holds,
  loading,
  children,
}: {
  names: readonly [string, string];
  peaks: number[][] | null;
  share: number;
  holds: readonly { from: number; to: number }[];
  loading: boolean;
  children: ReactNode;
}) {
  const rest = `${(100 - Math.min(1, share) * 100).toFixed(3)}%`;
  return (
    <div className="overflow-hidden rounded-lg bg-well has-focus-visible:outline-2 has-focus-visible:outline-brand has-focus-visible:outline-offset-2">
      <div className={classes("relative h-36", loading && "animate-breathe")}>
        {[0, 1].map((lane) => (
          <div
            key={names[lane]}
            className={classes("absolute inset-x-3 h-12", lane === 0 ? "top-6" : "bottom-6", LANE_INKS[lane])}
          >
            <Outline peaks={peaks?.[lane] ?? null} look="opacity-35" />
            <div className="absolute inset-0" style={{ clipPath: `inset(0 ${rest} 0 0)` }}>
              <Outline peaks={peaks?.[lane] ?? null} look="" />
            </div>
          </div>
        ))}
        {names.map((name, lane) => (
          <span
            key={name}
            className={classes(
              "pointer-events-none absolute left-3 flex max-w-[45%] items-center gap-1.5 text-soft text-xs",
              lane === 0 ? "top-2" : "bottom-2",
            )}
          >
            <span aria-hidden="true" className={classes("size-2 shrink-0 rounded-full", LANE_DOTS[lane])} />
            <span className="truncate">{name}</span>
          </span>
        ))}
        <div className="pointer-events-none absolute inset-x-3 inset-y-0">
          {holds.map((hold) => (
            <span
              key={hold.from}
              title="On hold"
              className="absolute inset-y-1.5 overflow-hidden rounded-sm border-hold/50 border-x bg-[repeating-linear-gradient(135deg,color-mix(in_oklab,var(--color-hold)_26%,transparent)_0_5px,transparent_5px_10px)]"
              style={{ left: `${hold.from * 100}%`, width: `${(hold.to - hold.from) * 100}%` }}
            >
              <span className="absolute inset-x-0 top-1/2 -translate-y-1/2 truncate px-1 text-center font-medium text-2xs text-hold-ink">
                Hold
              </span>
            </span>
          ))}
          <span
            className="absolute inset-y-1 w-0.5 -translate-x-1/2 rounded-full bg-ink"
            style={{ left: `${Math.min(1, share) * 100}%` }}
          />
        </div>
        {children}
      </div>
    </div>
  );
}

/** Bars about a middle line; a plain line while nothing is known. */
function Outline({ peaks, look }: { peaks: number[] | null; look: string }) {
  const slices = peaks ?? EMPTY;
  const path = slices
    .map((peak, at) => {
      const half = Math.max(0.5, peak * 23);
      return `M${at * 4 + 0.7} ${25 - half}h2.6v${half * 2}h-2.6z`;
    })
    .join("");
  return (
    <svg
      aria-hidden="true"
      viewBox={`0 0 ${slices.length * 4} 50`}
      preserveAspectRatio="none"
      className={classes("absolute inset-0 size-full", look)}
    >
      <path d={path} fill="currentColor" />
    </svg>
  );
}

const EMPTY = Array.from({ length: 220 }, () => 0);
const LANE_DOTS = ["bg-lane-caller", "bg-lane-agent"];
const LANE_INKS = ["text-lane-caller", "text-lane-agent"];
