/** The flow as a drawing one can pan and zoom, and not change. */
import "@xyflow/react/dist/base.css";
import "./canvas.css";
import { Background, type BuiltInEdge, Controls, MarkerType, ReactFlow } from "@xyflow/react";
import { useMemo } from "react";
import type { Flow } from "../../api/words";
import { positions } from "../../core/flow-layout";
import { handlesOf } from "../../core/flow-words";
import { type Box, FlowNode, heightOf, NODE_WIDTH } from "./FlowNode";

export function FlowCanvas({ flow }: { flow: Flow }) {
  const { nodes, edges } = useMemo(() => drawn(flow), [flow]);
  return (
    <section
      aria-label={`Drawing of the flow ${flow.name}`}
      className="h-[min(72dvh,46rem)] min-h-90 overflow-hidden rounded-xl border border-line bg-well shadow-card max-sm:h-100"
    >
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
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
        proOptions={{ hideAttribution: true }}
      >
        <Background gap={22} size={1.4} color="var(--color-line)" />
        <Controls showInteractive={false} position="bottom-right" />
      </ReactFlow>
    </section>
  );
}

function drawn(flow: Flow): { nodes: Box[]; edges: BuiltInEdge[] } {
  const heights = new Map(flow.nodes.map((n) => [n.id, heightOf(n)]));
  const places = positions(flow, { width: NODE_WIDTH, heights });
  const nodes = flow.nodes.map((node): Box => {
    const connected = new Set(flow.exits.filter((e) => e.from === node.id).map((e) => e.on));
    return {
      id: node.id,
      type: "box",
      position: places.get(node.id) ?? { x: 0, y: 0 },
      data: { node, entry: node.id === flow.entry, connected },
    };
  });
  const labels = new Map(flow.nodes.map((n) => [n.id, new Map(handlesOf(n).map((h) => [h.on, h.label]))]));
  const edges = flow.exits.map(
    (exit): BuiltInEdge => ({
      id: `${exit.from} ${exit.on}`,
      source: exit.from,
      sourceHandle: exit.on,
      target: exit.to,
      type: "smoothstep",
      pathOptions: { borderRadius: 14, offset: 26 },
      ariaLabel: `${exit.from}, ${labels.get(exit.from)?.get(exit.on) ?? exit.on}, to ${exit.to}`,
      markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16, color: "var(--color-edge)" },
    }),
  );
  return { nodes, edges };
}

const NODE_TYPES = { box: FlowNode };
