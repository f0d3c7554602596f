/** The line of an exit that leads back to an earlier node. */
import { BaseEdge, type Edge, type EdgeProps } from "@xyflow/react";
import { backPath } from "../../core/flow-edges";

export type Back = Edge<{ floor_y: number }, "back">;

export function BackEdge({ sourceX, sourceY, targetX, targetY, data, markerEnd }: EdgeProps<Back>) {
  const path = backPath(
    { x: sourceX, y: sourceY },
    { x: targetX, y: targetY },
    data?.floor_y ?? Math.max(sourceY, targetY),
  );
  return <BaseEdge path={path} {...(markerEnd ? { markerEnd } : {})} style={{ strokeDasharray: "5 4" }} />;
}
