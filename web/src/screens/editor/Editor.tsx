/** The flow editor: palette, canvas or outline, properties, and everything one can do with a flow. */
import { ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { useEffect, useMemo, useRef, useState } from "react";
import type { FlowDraft } from "../../api/words";
import { diffFlows } from "../../core/flow-diff";
import { heightOf, NODE_WIDTH } from "../../core/flow-size";
import { classes } from "../../ui/classes";
import { Banners } from "./Banners";
import { Canvas, FIT } from "./Canvas";
import { DeskProvider, type DeskWords } from "./Desk";
import { glide } from "./glide";
import { ImportDialog } from "./ImportDialog";
import { InsertDialog } from "./InsertDialog";
import { KeysDialog } from "./KeysDialog";
import { OutlineView } from "./OutlineView";
import { Palette } from "./Palette";
import { Problems } from "./Problems";
import { PublishDialog } from "./PublishDialog";
import { SidePanel } from "./SidePanel";
import { TopBar } from "./TopBar";
import { TryPanel } from "./TryPanel";
import { type Around, useDeskWords } from "./useDeskWords";
import { useKeys } from "./useKeys";
import { Versions } from "./Versions";

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

/** What is brought into view keeps so far from the edge. */
const EDGE_PX = 32;
