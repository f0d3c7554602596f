/** The flow as a drawing one can pan and zoom, and not change. */
import "@xyflow/react/dist/base.css";
import "./canvas.css";
import { Background, Controls, ReactFlow } from "@xyflow/react";
import { useMemo } from "react";
import type { Flow } from "../../api/words";
import { BackEdge } from "./BackEdge";
import { drawingOf } from "./drawing";
import { FlowNode } from "./FlowNode";

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

const NODE_TYPES = { box: FlowNode };
const EDGE_TYPES = { back: BackEdge };
