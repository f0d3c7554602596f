/** The stages of a call as one bar, each as long as it lasted, with their words below. */
import type { CallDetail } from "../../api/words";
import { STAGE_WORDS, type Stage, stagesOf } from "../../core/call-stages";
import { clockFace, span } from "../../core/time";
import { classes } from "../../ui/classes";
import { Tip } from "../../ui/Tip";

export function StageBar({ call }: { call: CallDetail }) {
  const stages = stagesOf(call, Date.now());
  const total = stages.at(-1)?.to_ms ?? 0;
  if (total === 0) return null;
  const sums = new Map<Stage["is"], number>();
  for (const stage of stages) sums.set(stage.is, (sums.get(stage.is) ?? 0) + stage.to_ms - stage.from_ms);
  return (
    <section aria-label="Stages" className="mt-6">
      <div className="flex h-3.5 gap-0.5 overflow-hidden rounded-full">
        {stages.map((stage) => (
          <Tip
            key={stage.from_ms}
            text={`${STAGE_WORDS[stage.is]}: ${clockFace(stage.from_ms)} to ${clockFace(stage.to_ms)}`}
          >
            <span
              className={classes("h-full min-w-1", COLOURS[stage.is])}
              style={{ flexGrow: stage.to_ms - stage.from_ms, flexBasis: 0 }}
            />
          </Tip>
        ))}
      </div>
      <ul className="mt-2.5 flex flex-wrap gap-x-4 gap-y-1 text-soft text-xs">
        {[...sums].map(([is, ms]) => (
          <li key={is} className="flex items-center gap-1.5">
            <span aria-hidden="true" className={classes("size-2.5 rounded-xs", COLOURS[is])} />
            {STAGE_WORDS[is]} <span className="text-faint tabular-nums">{span(ms)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const COLOURS: Record<Stage["is"], string> = {
  ringing: "bg-line",
  flow: "bg-lane-caller",
  waiting: "bg-wait",
  talk: "bg-go",
  hold: "bg-hold",
};
