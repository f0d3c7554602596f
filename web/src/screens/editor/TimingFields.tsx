/** Opening hours: a zone, and each day of the week. */
import { DAYS, type DayHours, type NodeOf } from "../../core/flow";
import { checkTime, checkTimezone, tidyTime } from "../../core/flow-check";
import { Button } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { useDesk } from "./Desk";
import { TextField } from "./fields";

export function TimingFields({
  node,
  onChange,
}: {
  node: NodeOf<"timing">;
  onChange: (patch: Partial<NodeOf<"timing">>, key?: string) => void;
}) {
  const { editor } = useDesk();
  const pause = () => editor.deeds.pause();
  const week = DAYS.map((day) => node.days.find((d) => d.day === day) ?? { ...CLOSED, day });
  const set = (day: DayHours, patch: Partial<DayHours>, key?: string) =>
    onChange({ days: week.map((d) => (d.day === day.day ? { ...d, ...patch } : d)) }, key);
  const first = week.find((d) => d.enabled);
  return (
    <>
      <TextField
        label="Time zone"
        value={node.timezone}
        list="zones"
        check={checkTimezone}
        onPause={pause}
        onChange={(timezone) => onChange({ timezone }, "timezone")}
      />
      <datalist id="zones">
        {ZONES.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      <fieldset className="flex min-w-0 flex-col">
        <legend className="mb-2 font-medium text-soft text-xs">Open</legend>
        {week.map((day) => (
          <Row key={day.day} day={day} set={(patch, key) => set(day, patch, key)} onPause={pause} />
        ))}
        <div className="mt-2 flex flex-wrap gap-2">
          <Button
            size="sm"
            disabled={!first}
            onClick={() =>
              first &&
              onChange({
                days: week.map((d) => (d.enabled ? { ...d, start: first.start, end: first.end } : d)),
              })
            }
          >
            Same hours for all
          </Button>
          <Button
            size="sm"
            onClick={() =>
              onChange({
                days: week.map(({ day }) => ({ day, enabled: true, start: "00:00", end: "24:00" })),
              })
            }
          >
            Always open
          </Button>
        </div>
      </fieldset>
    </>
  );
}

function Row({
  day,
  set,
  onPause,
}: {
  day: DayHours;
  set: (patch: Partial<DayHours>, key?: string) => void;
  onPause: () => void;
}) {
  const name = `${day.day.charAt(0).toUpperCase()}${day.day.slice(1)}`;
  const overnight = day.enabled && day.end <= day.start;
  return (
    <div className="flex flex-wrap items-center gap-x-2 border-line border-b py-1.5 last:border-b-0">
      <label className="flex min-h-6 w-28 cursor-pointer items-center gap-2 text-[0.8125rem]">
        <input
          type="checkbox"
          className="size-4"
          checked={day.enabled}
          onChange={(event) => set({ enabled: event.target.checked })}
        />
        {name}
      </label>
      {day.enabled ? (
        <>
          <Hour
            label={`${name} from`}
            value={day.start}
            end={false}
            onPause={onPause}
            onChange={(start) => set({ start }, `${day.day} start`)}
          />
          <span className="text-faint text-xs">to</span>
          <Hour
            label={`${name} to`}
            value={day.end}
            end
            onPause={onPause}
            onChange={(end) => set({ end }, `${day.day} end`)}
          />
          {overnight ? <span className="w-full pl-30 text-faint text-xs">until the next day</span> : null}
        </>
      ) : (
        <span className="text-faint text-xs leading-9">closed</span>
      )}
    </div>
  );
}

function Hour({
  label,
  value,
  end,
  onChange,
  onPause,
}: {
  label: string;
  value: string;
  end: boolean;
  onChange: (value: string) => void;
  onPause: () => void;
}) {
  const verdict = checkTime(value, end);
  return (
    <input
      aria-label={label}
      aria-invalid={verdict ? true : undefined}
      title={verdict ?? undefined}
      inputMode="numeric"
      autoComplete="off"
      value={value}
      onChange={(event) => onChange(event.target.value)}
      onBlur={() => {
        const tidied = tidyTime(value);
        if (tidied !== value) onChange(tidied);
        onPause();
      }}
      className={classes(
        "h-9 w-16 rounded-lg border bg-raised px-2 text-center text-[0.8125rem] tabular-nums transition-colors hover:border-soft focus-visible:border-brand focus-visible:outline-offset-0",
        verdict ? "border-stop" : "border-edge",
      )}
    />
  );
}

const CLOSED = { enabled: false, start: "09:00", end: "17:00" };
const ZONES: readonly string[] = [
  "UTC",
  ...Intl.supportedValuesOf("timeZone").filter((z) => z.includes("/")),
];
