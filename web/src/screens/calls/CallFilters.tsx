/** The call log's filters; what is set lives in the URL. */
import { useEffect, useState } from "react";
import { useAccounts, useAgents, useFlows } from "../../api/calls";
import { type CallFilter, type FilterName, filtersSet } from "../../core/call-filter";
import { STATUSES } from "../../core/call-words";
import { prettyNumber } from "../../core/phone-number";
import { Button } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Field } from "../../ui/Field";
import { Select } from "../../ui/Select";

export function CallFilters({
  filter,
  onChange,
}: {
  filter: CallFilter;
  onChange: (filter: CallFilter) => void;
}) {
  const accounts = useAccounts();
  const flows = useFlows();
  const agents = useAgents();
  const [open, setOpen] = useState(false);
  const set = (name: FilterName) => (value: string) => onChange({ ...filter, [name]: value });
  const count = filtersSet(filter);
  return (
    <search aria-label="Filter calls" className="mb-4 block">
      <div className="flex gap-2">
        <div className="flex-1">
          <TextFilter value={filter.q ?? ""} onChange={set("q")} />
        </div>
        <div className="flex gap-2 max-md:hidden">
          <DayFilters filter={filter} set={set} />
        </div>
        <div className="md:hidden">
          <Button size="sm" icon="filter" aria-expanded={open} onClick={() => setOpen(!open)}>
            Filters{count > 0 ? ` · ${count}` : ""}
          </Button>
        </div>
      </div>
      <div className={classes("mt-2.5 flex-wrap items-center gap-2", open ? "flex" : "hidden md:flex")}>
        <Select
          label="Status"
          any="Any status"
          value={filter.status ?? ""}
          choices={STATUSES}
          onChange={set("status")}
        />
        <Select
          label="Direction"
          any="Any direction"
          value={filter.direction ?? ""}
          choices={DIRECTIONS}
          onChange={set("direction")}
        />
        <Select
          label="Number"
          any="Any number"
          value={filter.account ?? ""}
          choices={(accounts.data ?? []).map((a) => ({
            value: a.id,
            label: `${a.name} ${prettyNumber(a.display_number)}`,
          }))}
          onChange={set("account")}
        />
        <Select
          label="Flow"
          any="Any flow"
          value={filter.flow ?? ""}
          choices={(flows.data ?? []).map((f) => ({ value: f.id, label: f.name }))}
          onChange={set("flow")}
        />
        <Select
          label="Agent"
          any="Any agent"
          value={filter.agent ?? ""}
          choices={(agents.data ?? []).map((a) => ({ value: a.id, label: a.name }))}
          onChange={set("agent")}
        />
        {count > 0 ? (
          <Button
            size="sm"
            tone="quiet"
            icon="close"
            onClick={() => onChange(filter.q ? { q: filter.q } : {})}
          >
            Clear
          </Button>
        ) : null}
      </div>
    </search>
  );
}

function DayFilters({
  filter,
  set,
}: {
  filter: CallFilter;
  set: (name: FilterName) => (value: string) => void;
}) {
  return (
    <>
      <DayFilter label="From" value={filter.from ?? ""} onChange={set("from")} max={filter.to} />
      <DayFilter label="To" value={filter.to ?? ""} onChange={set("to")} min={filter.from} />
    </>
  );
}

/** Asks when the typing pauses, not at each letter. */
function TextFilter({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  if (told !== value) {
    setTold(value);
    setText(value);
  }
  useEffect(() => {
    if (text.trim() === value) return;
    const pause = setTimeout(() => onChange(text.trim()), TYPING_PAUSE_MS);
    return () => clearTimeout(pause);
  }, [text, value, onChange]);
  return (
    <Field
      label="Search calls"
      bare
      small
      icon="search"
      type="search"
      placeholder="Name, number or call id"
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}

function DayFilter({
  label,
  value,
  onChange,
  min,
  max,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  min?: string | undefined;
  max?: string | undefined;
}) {
  return (
    <label
      className={classes(
        "flex h-9 items-center gap-2 rounded-lg border px-3 text-[0.8125rem]",
        value
          ? "border-brand bg-brand-wash font-medium text-brand-strong"
          : "border-line bg-raised text-soft",
      )}
    >
      {label}
      <input
        type="date"
        value={value}
        min={min}
        max={max}
        onChange={(event) => onChange(event.target.value)}
        className="w-29 bg-transparent tabular-nums outline-offset-4"
      />
    </label>
  );
}

const DIRECTIONS = [
  { value: "incoming", label: "Incoming" },
  { value: "outgoing", label: "Outgoing" },
];
const TYPING_PAUSE_MS = 300;
