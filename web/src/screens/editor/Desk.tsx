/** What every part of the editor shares: the document, the draft, its problems, and what else is on the table. */
import { createContext, type ReactNode, useContext } from "react";
import type { KnownClip } from "../../api/clips";
import type { FlowDraft, Problem } from "../../api/words";
import type { At, Flow, Kind } from "../../core/flow";
import type { FlowDiff } from "../../core/flow-diff";
import type { Autosave } from "./useAutosave";
import type { Editor } from "./useEditor";

/** Two states of the flow side by side on the canvas. */
export interface Comparison {
  title: string;
  before: Flow;
  after: Flow;
}

/** Where a call that is tried out came by. */
export interface Trail {
  nodes: ReadonlySet<string>;
  exits: ReadonlySet<string>;
  /** Where it is, or ended. */
  now: string | null;
}

export interface InsertWish {
  at?: At;
  from?: { from: string; on: string };
}

export type Sheet = "publish" | "versions" | "keys" | "import" | null;

export interface DeskWords {
  id: string;
  opened: FlowDraft;
  editor: Editor;
  autosave: Autosave;
  problems: ReadonlyMap<string, Problem[]>;
  flows: readonly { id: string; name: string }[];
  teams: readonly { id: string; name: string }[];
  clips: readonly KnownClip[];
  /** What callers get now. */
  published: { version: number; flow: Flow } | null;
  comparison: (Comparison & { diff: FlowDiff; both: Flow }) | null;
  compare: (what: Comparison | null) => void;
  trail: Trail | null;
  setTrail: (trail: Trail | null) => void;
  sheet: Sheet;
  setSheet: (sheet: Sheet) => void;
  trying: boolean;
  setTrying: (on: boolean) => void;
  asOutline: boolean;
  setAsOutline: (on: boolean) => void;
  insert: InsertWish | null;
  setInsert: (wish: InsertWish | null) => void;
  /** Adds a node where it belongs: at a spot, after an exit, or after what is selected. */
  add: (kind: Kind, wish?: InsertWish) => void;
  /** Absent: this server keeps no notes. */
  addNote: (() => void) | null;
  /** Selects a node, brings it into view, and moves the focus to it. */
  goTo: (id: string, focus?: "canvas" | "panel" | "exits") => void;
}

const Context = createContext<DeskWords | null>(null);

export function DeskProvider({ desk, children }: { desk: DeskWords; children: ReactNode }) {
  return <Context value={desk}>{children}</Context>;
}

export function useDesk(): DeskWords {
  const desk = useContext(Context);
  if (!desk) throw new Error("the editor's parts live inside the editor");
  return desk;
}
