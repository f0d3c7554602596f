/** Turns a flow into what the canvas draws: boxes in their places, lines that keep apart. */
import { type BuiltInEdge, MarkerType } from "@xyflow/react";
import type { Flow } from "../../api/words";
import { turns } from "../../core/flow-edges";
import { positions } from "../../core/flow-layout";
import { handlesOf } from "../../core/flow-words";
import type { Back } from "./BackEdge";
import { type Box, heightOf, NODE_WIDTH } from "./FlowNode";

export type Line = BuiltInEdge | Back;

export function drawingOf(flow: Flow): { nodes: Box[]; edges: Line[] } {
  const heights = new Map(flow.nodes.map((n) => [n.id, heightOf(n)]));
  const places = positions(flow, { width: NODE_WIDTH, heights });
  const at = (id: string) => places.get(id) ?? { x: 0, y: 0 };
  const floor_y = Math.max(0, ...flow.nodes.map((n) => at(n.id).y + (heights.get(n.id) ?? 0))) + UNDER;
  const nodes = flow.nodes.map(
    (node): Box => ({
      id: node.id,
      type: "box",
      position: at(node.id),
      data: {
        node,
        entry: node.id === flow.entry,
        entered: flow.exits.some((e) => e.to === node.id),
        connected: new Set(flow.exits.filter((e) => e.from === node.id).map((e) => e.on)),
      },
    }),
  );
  return { nodes, edges: flow.nodes.flatMap((node) => linesFrom(flow, node.id, at, floor_y)) };
}

function linesFrom(
  flow: Flow,
  from: string,
  at: (id: string) => { x: number; y: number },
  floor_y: number,
): Line[] {
  const node = flow.nodes.find((n) => n.id === from);
  const handles = node ? handlesOf(node) : [];
  const exits = flow.exits
    .filter((e) => e.from === from)
    .sort((a, b) => order(handles, a.on) - order(handles, b.on));
  const forward = exits.filter((e) => at(e.to).x > at(from).x);
  // A handle sits some way below its node's top, the target's pin near its own: what matters is up or down.
  const turn = turns(
    forward.map((e) => ({
      id: e.on,
      rise: at(e.to).y - (at(from).y + HANDLES_FROM + order(handles, e.on) * HANDLE_HEIGHT),
    })),
  );
  return exits.map((exit): Line => {
    const label = handles.find((h) => h.on === exit.on)?.label ?? exit.on;
    const common = {
      id: `${exit.from} ${exit.on}`,
      source: exit.from,
      sourceHandle: exit.on,
      target: exit.to,
      ariaLabel: `${exit.from}, ${label}, to ${exit.to}`,
      markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16, color: "var(--color-edge)" },
    };
    return forward.includes(exit)
      ? {
          ...common,
          type: "smoothstep",
          pathOptions: { borderRadius: 14, offset: 16, stepPosition: turn.get(exit.on) ?? 0.5 },
        }
      : { ...common, type: "back", data: { floor_y } };
  });
}

function order(handles: readonly { on: string }[], on: string): number {
  return handles.findIndex((h) => h.on === on);
}

const UNDER = 30;
const HANDLES_FROM = 110;
const HANDLE_HEIGHT = 24;
