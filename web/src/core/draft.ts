/** A draft on its way to the server: what is kept there, what is under way, and what stands in its way. */

export interface Draft<D> {
  /** What the server has, as far as we know. */
  kept: D;
  revision: number;
  /** Under way. One at a time. */
  sending: D | null;
  trouble: Trouble<D> | null;
  /** When it was last kept; null: not since the page was opened. */
  kept_at_ms: number | null;
}

export type Trouble<D> =
  /** Somebody else was quicker. Nothing is sent until a person has decided. */
  | { kind: "moved"; theirs: D; revision: number; by: string | null; at_ms: number }
  /** Tried again after a while. `for_good`: the server will not take it as it is. */
  | { kind: "failed"; words: string; tries: number; for_good: boolean; what: D };

export function opened<D>(kept: D, revision: number): Draft<D> {
  return { kept, revision, sending: null, trouble: null, kept_at_ms: null };
}

/** Should `now` be sent? */
export function wantsSending<D>(draft: Draft<D>, now: D): boolean {
  if (draft.sending !== null || now === draft.kept || draft.trouble?.kind === "moved") return false;
  // What was refused for good is not tried again until it changes.
  return !(draft.trouble?.kind === "failed" && draft.trouble.for_good && draft.trouble.what === now);
}

/** How long to wait before sending: a moment after the last change, longer after each failure. */
export function waitMs<D>(draft: Draft<D>): number {
  if (draft.trouble?.kind !== "failed") return IDLE_MS;
  return Math.min(IDLE_MS * 2 ** draft.trouble.tries, RETRY_MS_MAX);
}

export function sending<D>(draft: Draft<D>, what: D): Draft<D> {
  return { ...draft, sending: what };
}

export function kept<D>(draft: Draft<D>, what: D, revision: number, at_ms: number): Draft<D> {
  return { ...draft, kept: what, revision, sending: null, trouble: null, kept_at_ms: at_ms };
}

export function failed<D>(draft: Draft<D>, what: D, words: string, for_good: boolean): Draft<D> {
  const tries = draft.trouble?.kind === "failed" ? draft.trouble.tries + 1 : 1;
  return { ...draft, sending: null, trouble: { kind: "failed", words, tries, for_good, what } };
}

export function moved<D>(
  draft: Draft<D>,
  theirs: D,
  revision: number,
  by: string | null,
  at_ms: number,
): Draft<D> {
  return { ...draft, sending: null, trouble: { kind: "moved", theirs, revision, by, at_ms } };
}

/** Mine goes over theirs: the next save names their revision. */
export function keepMine<D>(draft: Draft<D>): Draft<D> {
  if (draft.trouble?.kind !== "moved") return draft;
  return { ...draft, kept: draft.trouble.theirs, revision: draft.trouble.revision, trouble: null };
}

/** Theirs is what I go on with. The caller puts it into the history, so that undo still has mine. */
export function takeTheirs<D>(draft: Draft<D>, asKept: D): Draft<D> {
  if (draft.trouble?.kind !== "moved") return draft;
  return { ...draft, kept: asKept, revision: draft.trouble.revision, trouble: null };
}

/** "Saved", "Saving…", as the top bar says it. */
export function draftWords<D>(draft: Draft<D>, now: D): string {
  if (draft.trouble?.kind === "moved") return "Changed by somebody else";
  if (draft.sending !== null) return "Saving…";
  if (draft.trouble?.kind === "failed") return "Not saved";
  if (now !== draft.kept) return "Unsaved changes";
  return draft.kept_at_ms === null ? "Up to date" : "Saved";
}

const IDLE_MS = 1200;
const RETRY_MS_MAX = 30_000;
