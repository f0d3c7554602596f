/** What was, what is, what was undone: whole documents that share their unchanged parts. */

export interface Step<D> {
  /** The document before this change. */
  before: D;
  /** What the change was, as one says "Undo …". */
  label: string;
  /** Changes of one key in a row are one step: the letters of a word. */
  key: string | undefined;
}

export interface History<D> {
  past: readonly Step<D>[];
  now: D;
  /** What redo brings, the next one last. */
  future: readonly { after: D; label: string; key: string | undefined }[];
}

export function begin<D>(now: D): History<D> {
  return { past: [], now, future: [] };
}

/** A change was made. The same document again is no change. */
export function change<D>(history: History<D>, now: D, label: string, key?: string): History<D> {
  if (now === history.now) return history;
  const last = history.past.at(-1);
  if (key !== undefined && last?.key === key && history.future.length === 0) return { ...history, now };
  const step = { before: history.now, label, key };
  return { past: [...history.past.slice(-(STEPS_MAX - 1)), step], now, future: [] };
}

/** The next change begins a step of its own, whatever its key. */
export function pause<D>(history: History<D>): History<D> {
  const last = history.past.at(-1);
  if (last?.key === undefined) return history;
  return { ...history, past: [...history.past.slice(0, -1), { ...last, key: undefined }] };
}

export function undo<D>(history: History<D>): History<D> {
  const last = history.past.at(-1);
  if (!last) return history;
  return {
    past: history.past.slice(0, -1),
    now: last.before,
    future: [...history.future, { after: history.now, label: last.label, key: last.key }],
  };
}

export function redo<D>(history: History<D>): History<D> {
  const next = history.future.at(-1);
  if (!next) return history;
  return {
    past: [...history.past, { before: history.now, label: next.label, key: next.key }],
    now: next.after,
    future: history.future.slice(0, -1),
  };
}

const STEPS_MAX = 5000;
