/** Carries the draft to the server a moment after each change, and says what stands in its way. */
import { useCallback, useEffect, useRef, useState } from "react";
import { movedDraft, readDraft, saveDraft } from "../../api/flows";
import { Refusal } from "../../api/request";
import type { FlowDraft, Problem } from "../../api/words";
import * as drafts from "../../core/draft";
import { type Flow, whole } from "../../core/flow";

export interface Autosave {
  draft: drafts.Draft<Flow>;
  /** Of the draft as last kept. */
  problems: Problem[];
  /** Saves what is not saved. False: it could not be. */
  saveNow: () => Promise<boolean>;
  /** The revision as last kept. */
  revisionNow: () => number;
  /** In a conflict: mine goes over theirs. */
  keepMine: () => void;
  /** In a conflict: `theirs` is what the editor shows from now on. */
  takeTheirs: (theirs: Flow) => void;
}

/** `baseline` is the opened draft as the editor shows it; `flow` is what it shows now. */
export function useAutosave(id: string, opened: FlowDraft, baseline: Flow, flow: Flow): Autosave {
  const [draft, show] = useState(() => drafts.opened(baseline, opened.revision));
  const [problems, setProblems] = useState<Problem[]>(opened.problems);
  const latest = useRef({ flow, draft });
  const underWay = useRef<Promise<void>>(Promise.resolve());
  latest.current.flow = flow;

  const set = useCallback((next: drafts.Draft<Flow>) => {
    latest.current.draft = next;
    show(next);
  }, []);

  const send = useCallback(() => {
    const { flow: what, draft: now } = latest.current;
    if (!drafts.wantsSending(now, what)) return;
    set(drafts.sending(now, what));
    underWay.current = saveDraft(id, now.revision, what)
      .then((answer) => {
        set(drafts.kept(latest.current.draft, what, answer.revision, Date.now()));
        setProblems(answer.problems);
      })
      .catch(async (fault: unknown) => {
        const theirs = await conflictOf(id, fault);
        if (theirs) {
          const by = theirs.updated_by?.name ?? null;
          set(drafts.moved(latest.current.draft, whole(theirs.flow), theirs.revision, by, theirs.updated_at));
        } else {
          const words = fault instanceof Error ? fault.message : String(fault);
          const forGood =
            fault instanceof Refusal && fault.status >= 400 && fault.status < 500 && fault.status !== 429;
          set(drafts.failed(latest.current.draft, what, words, forGood));
        }
      });
  }, [id, set]);

  useEffect(() => {
    if (!drafts.wantsSending(draft, flow)) return;
    const soon = setTimeout(send, drafts.waitMs(draft));
    return () => clearTimeout(soon);
  }, [draft, flow, send]);

  const saveNow = useCallback(async () => {
    await underWay.current;
    send();
    await underWay.current;
    const { flow: now, draft: then } = latest.current;
    return then.kept === now && then.trouble === null;
  }, [send]);

  // Leaving the page inside the app: what is not saved goes now. Leaving the app: the browser asks.
  useEffect(() => () => void send(), [send]);
  const unsaved = flow !== draft.kept;
  useEffect(() => {
    if (!unsaved) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [unsaved]);

  return {
    draft,
    problems,
    saveNow,
    revisionNow: () => latest.current.draft.revision,
    keepMine: () => set(drafts.keepMine(draft)),
    takeTheirs: (theirs) => set(drafts.takeTheirs(draft, theirs)),
  };
}

async function conflictOf(id: string, fault: unknown): Promise<FlowDraft | null> {
  if (!(fault instanceof Refusal) || fault.status !== 409) return null;
  return movedDraft(fault) ?? readDraft(id).catch(() => null);
}
