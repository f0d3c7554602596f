/** The flow as a drawing one can pan and zoom, and not change. */
import "@xyflow/react/dist/base.css";
import "./canvas.css";
import { Background, Controls, ReactFlow } from "@xyflow/react";
import { useMemo } from "react";
import type { Flow } from "../../core/flow";
import { positions } from "../../core/flow-layout";
import { heightOf, NODE_WIDTH } from "../../core/flow-size";
import { BackEdge } from "./BackEdge";
import { linesOf } from "./drawing";
import { type Box, FlowNode } from "./FlowNode";

export function FlowCanvas({ flow }: { flow: Flow }) {
  const { nodes, edges } = useMemo(() => drawingOf(flow), [flow]);
  return (
    <section
      aria-label={`Drawing of the flow ${flow.name}`}
      className="h-[min(72dvh,46rem)] min-h-90 overflow-hidden rounded-xl border border-line bg-well shadow-card max-sm:h-100"
    >
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        fitView
        fitViewOptions={{ padding: 0.12, maxZoom: 1 }}
        minZoom={0.2}
        maxZoom={1.6}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        deleteKeyCode={null}
        zoomOnScroll={false}
        preventScrolling={false}
      >
        <Background gap={22} size={1.4} color="var(--color-line)" />
        <Controls showInteractive={false} position="bottom-left" />
      </ReactFlow>
    </section>
  );
}

function drawingOf(flow: Flow) {
  const places = positions(flow);
  const nodes = flow.nodes.map(
    (node): Box => ({
      id: node.id,
      type: "box",
      position: places.get(node.id) ?? node.at,
      measured: { width: NODE_WIDTH, height: heightOf(node) },
      data: {
        node,
        entry: node.id === flow.entry,
        entered: flow.exits.some((e) => e.to === node.id),
        connected: new Set(flow.exits.filter((e) => e.from === node.id).map((e) => e.on)),
        editable: false,
        problem: null,
        mark: null,
        lit: false,
        dim: false,
      },
    }),
  );
  return { nodes, edges: linesOf(flow, (node) => places.get(node.id) ?? node.at) };
}

const NODE_TYPES = { box: FlowNode };
const EDGE_TYPES = { back: BackEdge };
