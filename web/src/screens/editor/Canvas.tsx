/** The drawing: nodes, notes and lines, to be moved, joined and taken away by mouse or by keys. */
import "@xyflow/react/dist/base.css";
import "../flows/canvas.css";
import {
  Background,
  type Connection,
  type EdgeChange,
  type FinalConnectionState,
  type NodeChange,
  ReactFlow,
  SelectionMode,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import { type DragEvent, type KeyboardEvent, useCallback, useRef, useState } from "react";
import { exitKey, isKind, nodeOf } from "../../core/flow";
import { addInto, connect, move, whyNot } from "../../core/flow-edit";
import { NODE_WIDTH } from "../../core/flow-size";
import { kindWord } from "../../core/flow-words";
import { BackEdge } from "../flows/BackEdge";
import type { Line } from "../flows/drawing";
import { FlowNode } from "../flows/FlowNode";
import { CanvasControls } from "./CanvasControls";
import { useDesk } from "./Desk";
import { NoteBox } from "./NoteBox";
import { KIND_MIME } from "./Palette";
import { type Thing, useLines, useThings } from "./things";

export function Canvas() {
  const desk = useDesk();
  const { editor, comparison } = desk;
  const { deeds } = editor;
  const editable = comparison === null;
  const [dragged, setDragged] = useState<ReadonlyMap<string, { x: number; y: number }>>(NOWHERE);
  const things = useThings(desk, dragged);
  const lines = useLines(desk);
  const [refusal, setRefusal] = useState<string | null>(null);
  const { screenToFlowPosition } = useReactFlow();
  const [isSmall] = useState(() => editor.flow.nodes.length <= FITS_MAX);
  const isFar = useStore((s) => s.transform[2] < FAR);
  const wrapper = useRef<HTMLDivElement>(null);

  const onNodesChange = useCallback(
    (changes: NodeChange<Thing>[]) => {
      const places = new Map<string, { x: number; y: number }>();
      const picked = new Map<string, boolean>();
      for (const change of changes) {
        if (change.type === "position" && change.position && change.dragging)
          places.set(change.id, change.position);
        if (change.type === "select") picked.set(change.id, change.selected);
      }
      if (places.size > 0) setDragged((was) => new Map([...was, ...places]));
      if (picked.size > 0) deeds.select(after(editor.selected, picked), editor.lines);
    },
    [deeds, editor.selected, editor.lines],
  );
  const onEdgesChange = useCallback(
    (changes: EdgeChange<Line>[]) => {
      const picked = new Map<string, boolean>();
      for (const change of changes) if (change.type === "select") picked.set(change.id, change.selected);
      if (picked.size > 0) deeds.select(editor.selected, after(editor.lines, picked));
    },
    [deeds, editor.selected, editor.lines],
  );
  const dropDragged = () => {
    if (dragged.size === 0) return;
    const label = dragged.size === 1 ? "move" : `move ${dragged.size} nodes`;
    deeds.edit(label, (flow) => move(flow, dragged));
    setDragged(NOWHERE);
  };
  const asExit = (c: Connection | Line) => ({
    from: c.source,
    on: c.sourceHandle ?? "default",
    to: c.target,
  });
  const onConnectEnd = (event: MouseEvent | TouchEvent, end: FinalConnectionState) => {
    setRefusal(null);
    if (end.isValid || !end.fromHandle || end.fromHandle.type !== "source") return;
    if (end.toNode) {
      const exit = { from: end.fromHandle.nodeId, on: end.fromHandle.id ?? "default", to: end.toNode.id };
      const why = whyNot(editor.flow, exit);
      if (why) setRefusal(why);
      else deeds.edit("connect", (flow) => connect(flow, exit));
      return;
    }
    const { clientX, clientY } =
      "changedTouches" in event ? (event.changedTouches[0] ?? { clientX: 0, clientY: 0 }) : event;
    const spot = screenToFlowPosition({ x: clientX, y: clientY });
    desk.setInsert({
      at: { x: spot.x, y: spot.y - 28 },
      from: { from: end.fromHandle.nodeId, on: end.fromHandle.id ?? "default" },
    });
  };
  const onDrop = (event: DragEvent) => {
    const kind = event.dataTransfer.getData(KIND_MIME);
    if (!isKind(kind)) return;
    event.preventDefault();
    const spot = screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const at = { x: Math.round(spot.x - NODE_WIDTH / 2), y: Math.round(spot.y - 28) };
    const line = event.target instanceof Element ? event.target.closest(".react-flow__edge") : null;
    const exit = editor.flow.exits.find((e) => exitKey(e) === line?.getAttribute("data-id"));
    if (!exit) return desk.add(kind, { at });
    deeds.edit(`put ${kindWord(kind)} into a line`, (flow) => {
      const added = addInto(flow, kind, at, exit);
      return { flow: added.flow, select: [added.id] };
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const id =
      event.target instanceof HTMLElement
        ? event.target.closest(".react-flow__node")?.getAttribute("data-id")
        : null;
    if ((event.key !== "Enter" && event.key !== " ") || event.ctrlKey || event.metaKey) return;
    const line =
      event.target instanceof SVGElement
        ? event.target.closest(".react-flow__edge")?.getAttribute("data-id")
        : null;
    if (line) {
      event.preventDefault();
      deeds.select([], [line]);
    }
    if (!id) return;
    event.preventDefault();
    if (event.shiftKey) deeds.select(after(editor.selected, new Map([[id, !editor.selected.has(id)]])));
    else if (event.key === "Enter" && editor.selected.has(id)) desk.goTo(id, "panel");
    else deeds.select([id]);
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys and drops bubble up from the nodes and lines inside
    <div
      ref={wrapper}
      data-canvas=""
      data-far={isFar || undefined}
      className="absolute inset-0"
      onKeyDown={onKeyDown}
      onDragOver={(event) => event.dataTransfer.types.includes(KIND_MIME) && event.preventDefault()}
      onDrop={onDrop}
    >
      <ReactFlow<Thing, Line>
        aria-label={`Drawing of the flow ${editor.flow.name}`}
        nodes={things}
        edges={lines}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        onNodeDragStop={dropDragged}
        onSelectionDragStop={dropDragged}
        onConnect={(c) => deeds.edit("connect", (flow) => connect(flow, asExit(c)))}
        onConnectStart={() => setRefusal(null)}
        onConnectEnd={onConnectEnd}
        isValidConnection={(c) => whyNot(editor.flow, asExit(c as Connection)) === null}
        onReconnect={(old, c) =>
          deeds.edit("reconnect", (flow) => {
            const exit = flow.exits.find((e) => exitKey(e) === old.id);
            return exit && c.target ? connect(flow, { ...exit, to: c.target }) : flow;
          })
        }
        edgesReconnectable={editable}
        onPaneClick={() => deeds.select([])}
        fitView={isSmall}
        onInit={(view) => {
          const entry = nodeOf(editor.flow, editor.flow.entry) ?? editor.flow.nodes[0];
          // All of a large flow would be dust: it opens where callers come in.
          if (!isSmall && entry)
            void view.setViewport({
              x: 48 - entry.at.x * READABLE,
              y: 260 - entry.at.y * READABLE,
              zoom: READABLE,
            });
        }}
        fitViewOptions={FIT}
        minZoom={0.05}
        maxZoom={1.8}
        snapToGrid
        snapGrid={SNAP}
        nodesDraggable={editable}
        nodesConnectable={editable}
        selectionMode={SelectionMode.Partial}
        deleteKeyCode={null}
        disableKeyboardA11y
        zoomOnDoubleClick={false}
        panOnScroll
        attributionPosition="top-right"
        connectionRadius={36}
        onlyRenderVisibleElements={editor.flow.nodes.length > 80}
      >
        <Background gap={22} size={1.4} color="var(--color-line)" />
        <CanvasControls />
      </ReactFlow>
      {refusal ? (
        <p
          role="alert"
          className="-translate-x-1/2 absolute bottom-4 left-1/2 z-10 animate-fade rounded-lg bg-ink px-3.5 py-2 text-[0.8125rem] text-page shadow-raised"
        >
          {refusal}
        </p>
      ) : null}
    </div>
  );
}

function after(was: ReadonlySet<string>, picked: ReadonlyMap<string, boolean>): Set<string> {
  const now = new Set(was);
  for (const [id, on] of picked) {
    if (on) now.add(id);
    else now.delete(id);
  }
  return now;
}

/** So many nodes can be read when all are shown. */
const FITS_MAX = 40;
const READABLE = 0.7;
/** Below this no word can be read, so none is drawn. */
const FAR = 0.25;
const NODE_TYPES = { box: FlowNode, note: NoteBox };
const EDGE_TYPES = { back: BackEdge };
const SNAP: [number, number] = [4, 4];
const NOWHERE: ReadonlyMap<string, { x: number; y: number }> = new Map();
/** Room for what floats over the canvas. */
export const FIT = {
  padding: { left: "32px", right: "32px", top: "28px", bottom: "64px" },
  maxZoom: 1,
} as const;
