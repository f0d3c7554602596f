/** A clock that ticks once a second and stays silent for screen readers. */
import { useEffect, useReducer } from "react";

/** `read` gives the text for now; `label` names it once, without the ticking. */
export function Timer({ read, label }: { read: () => string; label?: string }) {
  const [, tick] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const beat = setInterval(tick, 500);
    return () => clearInterval(beat);
  }, []);
  return (
    <span role="timer" aria-live="off" aria-label={label} className="tabular-nums">
      {read()}
    </span>
  );
}
