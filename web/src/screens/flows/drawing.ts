/** Turns a flow into the lines the canvas draws, so that they keep apart. */
import { type BuiltInEdge, MarkerType } from "@xyflow/react";
import type { At, Flow, FlowNode } from "../../core/flow";
import { exitKey } from "../../core/flow";
import { turns } from "../../core/flow-edges";
import { handleY, heightOf, NODE_WIDTH, PIN_Y } from "../../core/flow-size";
import { handlesOf, titleOf } from "../../core/flow-words";
import type { Back } from "./BackEdge";

export type Line = (BuiltInEdge | Back) & { className?: string };

/** Every line, those of one node turning apart. `at` tells where nodes stand. */
export function linesOf(flow: Flow, at: (node: FlowNode) => At): Line[] {
  const byId = new Map(flow.nodes.map((n) => [n.id, n]));
  const exits = Map.groupBy(flow.exits, (e) => e.from);
  return flow.nodes.flatMap((node) => linesFrom(node, exits.get(node.id) ?? [], byId, at, flow.nodes));
}

function linesFrom(
  node: FlowNode,
  all: readonly Flow["exits"][number][],
  byId: ReadonlyMap<string, FlowNode>,
  at: (node: FlowNode) => At,
  nodes: readonly FlowNode[],
): Line[] {
  const here = at(node);
  const handles = handlesOf(node);
  const order = (on: string) => handles.findIndex((h) => h.on === on);
  const exits = all
    .flatMap((exit) => {
      const target = byId.get(exit.to);
      return target ? [{ exit, target, there: at(target) }] : [];
    })
    .sort((a, b) => order(a.exit.on) - order(b.exit.on));
  const forward = exits.filter(({ there }) => there.x > here.x + NODE_WIDTH);
  const turn = turns(
    forward.map(({ exit, there }) => ({
      id: exit.on,
      rise: there.y + PIN_Y - (here.y + handleY(node, exit.on)),
    })),
  );
  return exits.map(({ exit, target, there }): Line => {
    const label = handles[order(exit.on)]?.label ?? exit.on;
    const common = {
      id: exitKey(exit),
      source: exit.from,
      sourceHandle: exit.on,
      target: exit.to,
      reconnectable: "target" as const,
      ariaLabel: `${titleOf(node)}, ${label}, to ${titleOf(target)}`,
      markerEnd: arrow("var(--color-edge)"),
    };
    return turn.has(exit.on)
      ? {
          ...common,
          type: "smoothstep",
          pathOptions: { borderRadius: 14, offset: 16, stepPosition: turn.get(exit.on) ?? 0.5 },
        }
      : { ...common, type: "back", data: { floor_y: floorBetween(nodes, at, there.x, here.x) } };
  });
}

/** The head of a line. */
export function arrow(color: string) {
  return {
    type: MarkerType.ArrowClosed,
    width: 22,
    height: 22,
    markerUnits: "userSpaceOnUse",
    color,
  };
}

/** Below everything that stands between two columns. */
function floorBetween(
  nodes: readonly FlowNode[],
  at: (node: FlowNode) => At,
  left: number,
  right: number,
): number {
  let floor_y = 0;
  for (const node of nodes) {
    const { x, y } = at(node);
    if (x + NODE_WIDTH < left - UNDER || x > right + NODE_WIDTH + UNDER) continue;
    floor_y = Math.max(floor_y, y + heightOf(node));
  }
  return floor_y + UNDER;
}

const UNDER = 30;
