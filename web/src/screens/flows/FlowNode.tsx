/** A node on the canvas: kind, name, what it says, and a handle for every way out. */
import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import type { FlowNode as FlowNodeWords } from "../../api/words";
import { handlesOf, kindWord, spoken, summary } from "../../core/flow-words";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { faceOf } from "./faces";

export type Box = Node<
  { node: FlowNodeWords; entry: boolean; entered: boolean; connected: ReadonlySet<string> },
  "box"
>;

export function FlowNode({ data }: NodeProps<Box>) {
  const { node, entry, connected } = data;
  const face = faceOf(node.kind);
  const says = spoken(node);
  const handles = handlesOf(node);
  return (
    <div
      className={classes(
        "rounded-xl border bg-card text-left shadow-raised",
        entry ? "border-brand" : "border-line",
      )}
      style={{ width: NODE_WIDTH }}
    >
      {entry && !data.entered ? null : (
        <Handle
          type="target"
          position={Position.Left}
          isConnectable={false}
          className="flow-pin flow-pin-in"
        />
      )}
      <div className="flex items-center gap-2.5 px-3 pt-3">
        <span className={classes("grid size-8 shrink-0 place-items-center rounded-lg", face.look)}>
          <Icon name={face.icon} size={18} />
        </span>
        <span className="min-w-0 flex-1">
          <span className="block truncate font-semibold text-[0.8125rem] leading-4">
            {node.name || kindWord(node.kind)}
          </span>
          <span className="block truncate text-2xs text-faint">
            {kindWord(node.kind)}
            {entry ? " · calls start here" : ""}
          </span>
        </span>
      </div>
      <p className="truncate px-3 pt-1.5 text-2xs text-soft">{summary(node)}</p>
      {says ? (
        <p className="mx-3 mt-1.5 line-clamp-2 h-8 rounded-md text-2xs text-faint italic leading-4">{says}</p>
      ) : null}
      {handles.length > 0 ? (
        <ul className="mt-2 border-line border-t py-1">
          {handles.map((handle) => (
            <li
              key={handle.on}
              className={classes(
                "relative flex h-6 items-center justify-end px-3 text-2xs",
                connected.has(handle.on) ? "font-medium text-soft" : "text-faint",
              )}
            >
              {handle.label}
              <Handle
                id={handle.on}
                type="source"
                position={Position.Right}
                isConnectable={false}
                className={classes("flow-pin", !connected.has(handle.on) && "flow-pin-free")}
              />
            </li>
          ))}
        </ul>
      ) : (
        <p className="mt-2 border-line border-t px-3 py-1.5 text-2xs text-faint">The flow ends here</p>
      )}
    </div>
  );
}

/** How tall a node will be, known before it is drawn. */
export function heightOf(node: FlowNodeWords): number {
  const handles = handlesOf(node).length;
  return 68 + (spoken(node) ? 38 : 0) + (handles > 0 ? 17 + handles * 24 : 37);
}

export const NODE_WIDTH = 224;
