/** The document under the pen: every change a step that can be undone, and what is selected. */
import { useMemo, useReducer } from "react";
import type { Flow } from "../../core/flow";
import { begin, change, type History, pause, redo, undo } from "../../core/history";

interface State {
  history: History<Flow>;
  selected: ReadonlySet<string>;
  /** Selected lines, by their exits' keys. */
  lines: ReadonlySet<string>;
  /** What a screen reader is told. */
  said: string;
}

export interface Changed {
  flow: Flow;
  /** What is selected afterwards; absent: as before. */
  select?: Iterable<string>;
}

export interface Editor extends State {
  flow: Flow;
  undoLabel: string | null;
  redoLabel: string | null;
  deeds: Deeds;
}

export interface Deeds {
  /** Changes of one `key` in a row are one step. */
  edit: (label: string, how: (flow: Flow) => Flow | Changed, key?: string) => void;
  /** The next change is a step of its own. */
  pause: () => void;
  undo: () => void;
  redo: () => void;
  select: (ids: Iterable<string>, lines?: Iterable<string>) => void;
  say: (words: string) => void;
}

export function useEditor(first: Flow): Editor {
  const [state, update] = useReducer((s: State, to: (s: State) => State) => to(s), first, start);
  const deeds = useMemo(() => deedsOf(update), []);
  return {
    ...state,
    flow: state.history.now,
    undoLabel: state.history.past.at(-1)?.label ?? null,
    redoLabel: state.history.future.at(-1)?.label ?? null,
    deeds,
  };
}

function start(flow: Flow): State {
  return { history: begin(flow), selected: new Set(), lines: new Set(), said: "" };
}

function deedsOf(update: (to: (s: State) => State) => void): Deeds {
  return {
    edit: (label, how, key) =>
      update((s) => {
        const made = how(s.history.now);
        const { flow, select } = "flow" in made ? made : { flow: made, select: undefined };
        const history = change(s.history, flow, label, key);
        if (history === s.history && !select) return s;
        const next = { ...s, history, said: key ? s.said : label };
        return kept(select ? { ...next, selected: new Set(select), lines: new Set<string>() } : next);
      }),
    pause: () => update((s) => ({ ...s, history: pause(s.history) })),
    undo: () =>
      update((s) => turn(s, undo(s.history), `Undone: ${s.history.past.at(-1)?.label ?? "nothing"}`)),
    redo: () =>
      update((s) => turn(s, redo(s.history), `Done again: ${s.history.future.at(-1)?.label ?? "nothing"}`)),
    select: (ids, lines = []) =>
      update((s) => {
        const [selected, chosen] = [new Set(ids), new Set(lines)];
        return same(s.selected, selected) && same(s.lines, chosen) ? s : { ...s, selected, lines: chosen };
      }),
    say: (said) => update((s) => ({ ...s, said })),
  };
}

function turn(state: State, history: History<Flow>, said: string): State {
  return history === state.history ? state : kept({ ...state, history, said });
}

/** What is selected must be there. */
function kept(state: State): State {
  const { nodes, notes } = state.history.now;
  const there = new Set([...nodes, ...notes].map((thing) => thing.id));
  const selected = new Set([...state.selected].filter((id) => there.has(id)));
  return same(selected, state.selected) ? state : { ...state, selected };
}

function same(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((id) => b.has(id));
}
