/** A call without a telephone: press keys, set the clock, write what web services answer, and see where it goes. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { simulate } from "../../api/flows";
import type { Simulation, TraceLine } from "../../api/words";
import { exitKey, KEYS, type NodeOf } from "../../core/flow";
import { titleOf } from "../../core/flow-words";
import { clockFace } from "../../core/time";
import { type Act, actWord, eventsOf } from "../../core/try-script";
import { Button, IconButton } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { useDesk } from "./Desk";
import { NumberField } from "./fields";

export function TryPanel() {
  const { setTrying } = useDesk();
  const [acts, setActs] = useState<Act[]>([]);
  const [clock, setClock] = useState("");
  const [mocks, setMocks] = useState<Record<string, Mock>>({});
  const { result, stale } = useTry(acts, clock, mocks);
  const over = acts.some((act) => "hang_up" in act);
  const act = (next: Act) => setActs((was) => [...was, next]);
  return (
    <section aria-label="Try the flow" className="flex min-h-0 flex-1 flex-col">
      <header className="flex items-center justify-between px-4 pt-4 pb-2">
        <h2 className="font-semibold text-sm">Try the flow</h2>
        <IconButton icon="close" label="Close" size="sm" onClick={() => setTrying(false)} />
      </header>
      <div className="scroll-quiet flex min-h-0 flex-1 flex-col gap-4 overflow-y-auto px-4 pb-6">
        <fieldset className="grid grid-cols-3 gap-1.5" aria-label="Keys the caller presses">
          {KEYS.map((key) => (
            <button
              key={key}
              type="button"
              aria-label={`Press ${key}`}
              disabled={over}
              onClick={() => act({ press: key })}
              className="h-9 rounded-lg border border-line bg-raised font-medium text-sm tabular-nums shadow-card transition-colors hover:bg-hover disabled:opacity-55"
            >
              {key}
            </button>
          ))}
        </fieldset>
        <div className="flex gap-1.5">
          <Button size="sm" icon="clock" disabled={over} onClick={() => act({ wait: true })}>
            Silence
          </Button>
          <Button size="sm" icon="phone-end" disabled={over} onClick={() => act({ hang_up: true })}>
            Hang up
          </Button>
          <span className="ml-auto flex">
            <IconButton
              icon="undo"
              label="Take the last back"
              size="sm"
              disabled={acts.length === 0}
              onClick={() => setActs((was) => was.slice(0, -1))}
            />
            <IconButton
              icon="refresh"
              label="Start over"
              size="sm"
              disabled={acts.length === 0}
              onClick={() => setActs([])}
            />
          </span>
        </div>
        <p className="text-faint text-xs" role="status">
          {acts.length === 0
            ? "The caller only listens. Press keys as the caller would."
            : `The caller: ${acts.map(actWord).join(", ")}.`}
        </p>
        <Field
          small
          type="datetime-local"
          label="The call comes at (your time zone)"
          value={clock}
          hint={clock ? undefined : "Now"}
          onChange={(event) => setClock(event.target.value)}
        />
        <Mocks mocks={mocks} onChange={setMocks} />
        <hr className="border-line" />
        {result.isError ? <Notice tone="stop">{result.error.message}</Notice> : null}
        {result.data ? (
          <Trace simulation={result.data} busy={stale} />
        ) : result.isPending ? (
          <p className="text-faint text-sm">Calling …</p>
        ) : null}
      </div>
    </section>
  );
}

interface Mock {
  status: number;
  body: string;
}

/** Plays the script again whenever it or the flow changes, and lets the path glow. */
function useTry(acts: readonly Act[], clock: string, mocks: Readonly<Record<string, Mock>>) {
  const { id, editor, setTrail } = useDesk();
  const [flow, setFlow] = useState(editor.flow);
  useEffect(() => {
    const soon = setTimeout(() => setFlow(editor.flow), 250);
    return () => clearTimeout(soon);
  }, [editor.flow]);
  const result = useQuery({
    queryKey: ["try", id, flow, acts, clock, mocks],
    queryFn: () =>
      simulate(id, flow, {
        at: clock ? new Date(clock).getTime() : 0,
        caller_phone: "15550001111",
        caller_id: "",
        events: eventsOf(acts, longestSilence(flow.nodes) * 1000),
        answers: flow.nodes.flatMap((node) =>
          node.kind === "http_callback" ? [{ node: node.id, ...(mocks[node.id] ?? FINE) }] : [],
        ),
      }),
    placeholderData: (before) => before,
    retry: false,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { data } = result;
  useEffect(() => {
    if (!data) return;
    const here = data.lines.filter((line) => line.flow === id);
    setTrail({
      nodes: new Set(here.map((line) => line.node)),
      exits: new Set(data.exits.map(exitKey)),
      now: here.at(-1)?.node ?? null,
    });
  }, [data, id, setTrail]);
  useEffect(() => () => setTrail(null), [setTrail]);
  return { result, stale: result.isPlaceholderData };
}

/** Silence long enough that whoever asks gives up once. */
function longestSilence(nodes: readonly { kind: string; timeout_secs?: number }[]): number {
  const asks = nodes.filter((n) => n.kind === "menu" || n.kind === "gather");
  return Math.max(1, ...asks.map((n) => n.timeout_secs ?? 0)) + 1;
}

function Mocks({
  mocks,
  onChange,
}: {
  mocks: Readonly<Record<string, Mock>>;
  onChange: (mocks: Record<string, Mock>) => void;
}) {
  const { editor } = useDesk();
  const requests = editor.flow.nodes.filter((n): n is NodeOf<"http_callback"> => n.kind === "http_callback");
  return requests.map((node) => {
    const mock = mocks[node.id] ?? FINE;
    const set = (patch: Partial<Mock>) => onChange({ ...mocks, [node.id]: { ...mock, ...patch } });
    return (
      <fieldset key={node.id} className="flex flex-col gap-2 rounded-lg border border-line p-3">
        <legend className="px-1 font-medium text-soft text-xs">“{titleOf(node)}” answers</legend>
        <NumberField
          label="Status"
          value={mock.status}
          from={100}
          to={599}
          onChange={(status) => set({ status })}
        />
        <Field
          small
          label="Body"
          placeholder={'{"name": "Zoë"}'}
          value={mock.body}
          onChange={(event) => set({ body: event.target.value })}
        />
      </fieldset>
    );
  });
}

function Trace({ simulation, busy }: { simulation: Simulation; busy: boolean }) {
  const { editor, goTo, id, teams } = useDesk();
  const names = new Map(editor.flow.nodes.map((n) => [n.id, titleOf(n)]));
  const { ended } = simulation;
  const end =
    ended.how === "transferred"
      ? `Waits for ${teams.find((t) => t.id === ended.team)?.name ?? "a team"}`
      : ended.how === "hung_up"
        ? ended.by_fault
          ? `Ended by fault: ${ended.reason}`
          : "The flow hung up"
        : ended.how === "caller_hung_up"
          ? "The caller hung up"
          : "Still going on after two hours";
  return (
    <div aria-busy={busy}>
      <h3 className="font-medium text-[0.8125rem]">
        {end}
        <span className="font-normal text-faint"> · {clockFace(simulation.lasted_ms)}</span>
      </h3>
      <ol aria-label="What happened" className="mt-2 flex flex-col">
        {simulation.lines
          .filter((line) => isTold(line, simulation.lines))
          .map((line, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of a trace have no other name than their place
            <li key={n} className="flex gap-3 py-1 text-[0.8125rem] leading-5">
              <span className="w-10 shrink-0 text-right text-faint text-xs leading-5 tabular-nums">
                {clockFace(line.at_ms)}
              </span>
              <span className="min-w-0 flex-1 break-words">
                {lineWords(line)}
                {line.flow === id && names.has(line.node) && line.what === "prompt" ? (
                  <button
                    type="button"
                    onClick={() => goTo(line.node)}
                    className="block rounded text-faint text-xs hover:underline"
                  >
                    {names.get(line.node)}
                  </button>
                ) : null}
              </span>
            </li>
          ))}
      </ol>
      {simulation.variables.length > 0 ? (
        <dl className="mt-3 rounded-lg bg-well p-3 text-xs">
          {simulation.variables.map((v) => (
            <div key={v.name} className="flex gap-3 py-0.5">
              <dt className="text-soft">{v.name}</dt>
              <dd className="min-w-0 flex-1 truncate text-right font-medium">{v.text}</dd>
            </div>
          ))}
        </dl>
      ) : null}
    </div>
  );
}

/** Keys, ends and variables are told elsewhere; a node that speaks is told by what it says. */
function isTold(line: TraceLine, all: readonly TraceLine[]): boolean {
  if (line.what === "log" && line.kind === "node")
    return !all.some((l) => l.what === "prompt" && l.node === line.node && l.at_ms === line.at_ms);
  return line.what !== "end" && line.what !== "variable" && !(line.what === "log" && line.kind === "digit");
}

function lineWords(line: TraceLine): string {
  switch (line.what) {
    case "log":
      return line.text;
    case "prompt": {
      const says = line.prompt.text ? `“${line.prompt.text}”` : (line.prompt.clip ?? "").replace(/^.*\//, "");
      return line.heard_ms < line.length_ms ? `${says} (cut short)` : says;
    }
    case "key":
      return `Presses ${line.key}`;
    case "request":
      return `${line.method} ${line.url}`;
    default:
      return "";
  }
}

const FINE: Mock = { status: 200, body: "" };
