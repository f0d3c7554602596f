/** Everything that happened to a call, in order, as sentences. */
import type { TimelineEntry } from "../../api/words";
import { clockFace, fullMoment } from "../../core/time";
import { classes } from "../../ui/classes";
import { Icon, type IconName } from "../../ui/Icon";
import { EmptyState } from "../../ui/states";

export function Timeline({ entries, start }: { entries: readonly TimelineEntry[]; start: number }) {
  if (entries.length === 0) return <EmptyState icon="clock" title="Nothing has happened yet" />;
  return (
    <ol>
      {entries.map((entry, at) => {
        const face = FACES[entry.kind] ?? (/_(failed|lost|refused)$|fault/.test(entry.kind) ? FAULT : PLAIN);
        return (
          <li key={entry.seq} className="relative flex gap-3.5 pb-3.5 last:pb-0">
            {at < entries.length - 1 ? (
              <span aria-hidden="true" className="absolute top-8 bottom-0 left-3.5 w-px bg-line" />
            ) : null}
            <span className={classes("grid size-7 shrink-0 place-items-center rounded-full", face.look)}>
              <Icon name={face.icon} size={15} />
            </span>
            <span className="min-w-0 flex-1 pt-1 text-sm leading-5">{entry.text}</span>
            <time
              dateTime={new Date(entry.at).toISOString()}
              title={fullMoment(entry.at)}
              className="pt-1.5 text-faint text-xs tabular-nums"
            >
              {clockFace(entry.at - start)}
            </time>
          </li>
        );
      })}
    </ol>
  );
}

type Face = { icon: IconName; look: string };
const PLAIN: Face = { icon: "info", look: "bg-well text-soft" };
const FAULT: Face = { icon: "warning", look: "bg-stop-wash text-stop-ink" };
const BRAND = "bg-brand-wash text-brand";
const GO = "bg-go-wash text-go";
const HOLD = "bg-hold-wash text-hold-ink";
const STOP = "bg-stop-wash text-stop-ink";
const WAIT = "bg-wait-wash text-wait";

const FACES: Record<string, Face> = {
  connect: { icon: "phone-in", look: BRAND },
  accepted: { icon: "check", look: BRAND },
  node: { icon: "speech", look: "bg-well text-soft" },
  digit: { icon: "keypad", look: BRAND },
  invalid: { icon: "keypad", look: HOLD },
  timeout: { icon: "clock", look: HOLD },
  http: { icon: "globe", look: BRAND },
  http_error: { icon: "globe", look: HOLD },
  queued: { icon: "note", look: WAIT },
  rung: { icon: "bell", look: WAIT },
  declined: { icon: "close", look: WAIT },
  claimed: { icon: "user", look: GO },
  connected: { icon: "phone", look: GO },
  held: { icon: "pause", look: HOLD },
  resumed: { icon: "play", look: GO },
  agent_silent: { icon: "wifi", look: HOLD },
  agent_back: { icon: "wifi", look: GO },
  recording: { icon: "record", look: "bg-well text-soft" },
  ended: { icon: "phone-end", look: STOP },
};
