/** The flow editor: palette, canvas or outline, properties, and everything one can do with a flow. */
import { ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { KnownClip } from "../../api/clips";
import type { FlowDraft, Problem } from "../../api/words";
import { whole } from "../../core/flow";
import { bothFlows, diffFlows } from "../../core/flow-diff";
import { addNode, addNote, freeExit, move } from "../../core/flow-edit";
import { positions } from "../../core/flow-layout";
import { heightOf, NODE_WIDTH } from "../../core/flow-size";
import { kindWord } from "../../core/flow-words";
import { classes } from "../../ui/classes";
import { Banners } from "./Banners";
import { Canvas, FIT } from "./Canvas";
import {
  type Comparison,
  DeskProvider,
  type DeskWords,
  type InsertWish,
  type Sheet,
  type Trail,
} from "./Desk";
import { glide } from "./glide";
import { ImportDialog } from "./ImportDialog";
import { InsertDialog } from "./InsertDialog";
import { KeysDialog } from "./KeysDialog";
import { OutlineView } from "./OutlineView";
import { Palette } from "./Palette";
import { Problems } from "./Problems";
import { PublishDialog } from "./PublishDialog";
import { SidePanel } from "./SidePanel";
import { freeSpot, spotAfter } from "./spots";
import { TopBar } from "./TopBar";
import { TryPanel } from "./TryPanel";
import { useAutosave } from "./useAutosave";
import { useEditor } from "./useEditor";
import { useKeys } from "./useKeys";
import { Versions } from "./Versions";

export interface Around {
  flows: readonly { id: string; name: string }[];
  teams: readonly { id: string; name: string }[];
  clips: readonly KnownClip[];
  /** The server keeps notes. */
  notes: boolean;
  published: { version: number; flow: ReturnType<typeof whole> } | null;
}

export function Editor(props: { opened: FlowDraft; around: Around }) {
  return (
    <ReactFlowProvider>
      <Board {...props} />
    </ReactFlowProvider>
  );
}

function Board({ opened, around }: { opened: FlowDraft; around: Around }) {
  const desk = useDeskWords(opened, around);
  const { editor, comparison, asOutline } = desk;
  const [listed, setListed] = useState(false);
  const find = useRef<HTMLInputElement | null>(null);
  const problem = useRef(-1);
  const nextProblem = () => {
    const all = desk.autosave.problems.filter((p) => p.node !== null);
    problem.current = (problem.current + 1) % Math.max(1, all.length);
    const id = all[problem.current]?.node;
    if (id) desk.goTo(id);
    else setListed(true);
  };
  useKeys(desk, { find: () => find.current?.focus(), nextProblem });
  const panel = desk.trying ? "try" : editor.selected.size === 1 && !comparison ? "node" : null;
  const hasPanel =
    panel === "try" || (panel === "node" && editor.flow.nodes.some((n) => editor.selected.has(n.id)));
  useInView(desk, hasPanel);
  const published = useMemo(
    () =>
      around.published && {
        version: around.published.version,
        changes: diffFlows(around.published.flow, editor.flow).count,
      },
    [around.published, editor.flow],
  );
  return (
    <DeskProvider desk={desk}>
      <div className="flex h-dvh min-w-0 flex-col max-lg:h-[calc(100dvh-3.5rem)] max-md:h-[calc(100dvh-7rem)]">
        <TopBar
          published={published}
          onProblems={() => setListed(!listed)}
          onFind={(node) => {
            find.current = node;
          }}
        />
        <Banners />
        <div className="flex min-h-0 flex-1">
          {comparison ? null : <Palette />}
          <div data-board="" className="relative min-w-0 flex-1 overflow-hidden bg-well">
            {asOutline && !comparison ? <OutlineView /> : <Canvas />}
            {editor.flow.nodes.length === 0 && !asOutline ? <FirstNode /> : null}
            {listed ? <Problems onClose={() => setListed(false)} /> : null}
          </div>
          <div
            className={classes(
              "flex w-84 shrink-0 flex-col border-line border-l bg-page max-md:fixed max-md:inset-x-0 max-md:bottom-14 max-md:z-20 max-md:h-[70dvh] max-md:w-auto max-md:rounded-t-2xl max-md:border-t max-md:shadow-float",
              !hasPanel && "hidden",
            )}
          >
            {panel === "try" ? <TryPanel /> : <SidePanel />}
          </div>
        </div>
        <p role="status" aria-label="What was done" className="sr-only">
          {editor.said}
        </p>
        <InsertDialog />
        <PublishDialog before={around.published} />
        <Versions />
        <KeysDialog />
        <ImportDialog />
      </div>
    </DeskProvider>
  );
}

/** The panel takes room from the canvas: what one looks at stays in view. */
function useInView(desk: DeskWords, hasPanel: boolean) {
  const view = useReactFlow();
  const { trying, editor } = desk;
  const only = editor.selected.size === 1 ? [...editor.selected][0] : undefined;
  const latest = useRef(editor);
  latest.current = editor;
  useEffect(() => {
    if (!hasPanel) return;
    const soon = setTimeout(() => {
      if (trying) return void view.fitView({ ...FIT, ...glide() });
      const box = document.querySelector("[data-board]")?.getBoundingClientRect();
      const node = latest.current.flow.nodes.find((n) => n.id === only);
      if (!box || !node) return;
      const { x, y, zoom } = view.getViewport();
      const shift = (from: number, length: number, room: number) => {
        if (from < EDGE_PX) return EDGE_PX - from;
        return from + length > room - EDGE_PX ? Math.max(room - EDGE_PX - length, EDGE_PX) - from : 0;
      };
      const by = {
        x: shift(node.at.x * zoom + x, NODE_WIDTH * zoom, box.width),
        y: shift(node.at.y * zoom + y, heightOf(node) * zoom, box.height),
      };
      if (by.x !== 0 || by.y !== 0) void view.setViewport({ x: x + by.x, y: y + by.y, zoom }, glide());
    }, 50);
    return () => clearTimeout(soon);
  }, [hasPanel, trying, only, view]);
}

/** An empty canvas says what to do. */
function FirstNode() {
  return (
    <div className="pointer-events-none absolute inset-0 z-5 grid place-items-center p-6">
      <p className="max-w-64 text-pretty text-center text-soft text-sm">
        Press or drag a node from the left. The first one is where calls start.
      </p>
    </div>
  );
}

function useDeskWords(opened: FlowDraft, around: Around): DeskWords {
  const baseline = useMemo(() => {
    const flow = whole(opened.flow);
    return move(flow, positions(flow));
  }, [opened]);
  const editor = useEditor(baseline);
  const autosave = useAutosave(opened.id, opened, baseline, editor.flow);
  const [compared, compare] = useState<Comparison | null>(null);
  const [trail, setTrail] = useState<Trail | null>(null);
  const [sheet, setSheet] = useState<Sheet>(null);
  const [trying, setTrying] = useState(false);
  const [asOutline, setAsOutline] = useState(() => matchMedia("(max-width: 40rem)").matches);
  const [insert, setInsert] = useState<InsertWish | null>(null);
  const view = useReactFlow();
  const comparison = useMemo(
    () =>
      compared && {
        ...compared,
        diff: diffFlows(compared.before, compared.after),
        both: bothFlows(compared.before, compared.after),
      },
    [compared],
  );
  const problems = useMemo(
    () =>
      Map.groupBy(
        autosave.problems.filter((p): p is Problem & { node: string } => p.node !== null),
        (p) => p.node,
      ),
    [autosave.problems],
  );
  const middle = useCallback(() => {
    const box = document.querySelector("[data-board]")?.getBoundingClientRect();
    if (!box) return { x: 0, y: 0 };
    const spot = view.screenToFlowPosition({ x: box.x + box.width / 2, y: box.y + box.height / 3 });
    return { x: Math.round(spot.x - NODE_WIDTH / 2), y: Math.round(spot.y) };
  }, [view]);
  const only = editor.selected.size === 1 ? [...editor.selected][0] : undefined;
  const { deeds } = editor;
  return {
    id: opened.id,
    opened,
    editor,
    autosave,
    problems,
    flows: around.flows,
    teams: around.teams,
    clips: around.clips,
    published: around.published,
    comparison,
    compare,
    trail,
    setTrail,
    sheet,
    setSheet,
    trying,
    setTrying,
    asOutline,
    setAsOutline,
    insert,
    setInsert,
    add: (kind, wish = {}) => {
      const { flow } = editor;
      const after = wish.from ?? (wish.at || !only ? undefined : freeExit(flow, only));
      const near = wish.at ?? (after ? spotAfter(flow, after.from, after.on) : middle());
      const added = addNode(flow, kind, wish.at ? near : freeSpot(flow, near), after);
      deeds.edit(`add ${kindWord(kind)}`, () => ({ flow: added.flow, select: [added.id] }));
      focusSoon(added.id, "canvas");
    },
    addNote: around.notes
      ? () =>
          deeds.edit("add a note", (flow) => {
            const added = addNote(flow, middle());
            return { flow: added.flow, select: [added.id] };
          })
      : null,
    goTo: (id, focus = "canvas") => {
      deeds.select([id]);
      const at = [...editor.flow.nodes, ...editor.flow.notes].find((n) => n.id === id);
      if (at && !asOutline) {
        const height = "kind" in at ? heightOf(at) : 80;
        void view.setCenter(at.at.x + NODE_WIDTH / 2, at.at.y + height / 2, {
          zoom: Math.max(view.getZoom(), 0.75),
          ...glide(),
        });
      }
      focusSoon(id, focus);
    },
  };
}

/** Once what was changed is drawn. */
function focusSoon(id: string, focus: "canvas" | "panel" | "exits") {
  requestAnimationFrame(() =>
    requestAnimationFrame(() => focusOf(id, focus)?.focus({ preventScroll: focus === "canvas" })),
  );
}

function focusOf(id: string, focus: "canvas" | "panel" | "exits"): HTMLElement | null {
  if (focus === "panel") return document.querySelector("[data-panel] input");
  if (focus === "exits")
    return (
      document.querySelector<HTMLElement>("[data-panel] [data-exits] button[aria-label$='Nowhere yet']") ??
      document.querySelector("[data-panel] [data-exits] button")
    );
  const name = CSS.escape(id);
  return (
    document.querySelector<HTMLElement>(`.react-flow__node[data-id="${name}"]`) ??
    document.querySelector<HTMLElement>(`[data-row="${name}"]`)
  );
}

/** What is brought into view keeps so far from the edge. */
const EDGE_PX = 32;
