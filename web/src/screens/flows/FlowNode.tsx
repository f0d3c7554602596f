/** A node on the canvas: kind, name, what it says, and a handle for every way out. */
import { Handle, type Node, type NodeProps, Position, useUpdateNodeInternals } from "@xyflow/react";
import { memo, useEffect } from "react";
import type { FlowNode as FlowNodeWords } from "../../core/flow";
import type { Mark } from "../../core/flow-diff";
import { NODE_WIDTH } from "../../core/flow-size";
import { handlesOf, kindWord, spoken, summary, titleOf } from "../../core/flow-words";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { faceOf } from "./faces";

export interface BoxData extends Record<string, unknown> {
  node: FlowNodeWords;
  entry: boolean;
  entered: boolean;
  connected: ReadonlySet<string>;
  /** Lines can be drawn from and to it. */
  editable: boolean;
  problem: "error" | "warning" | null;
  mark: Mark | null;
  /** A call that is tried out came by; `now`: it is here. */
  lit: boolean | "now";
  /** Calls that are tried out did not come by, or a search is for others. */
  dim: boolean;
}

export type Box = Node<BoxData, "box">;

export const FlowNode = memo(function FlowNode({ id, data, selected }: NodeProps<Box>) {
  const { node, entry, connected } = data;
  const face = faceOf(node.kind);
  const says = spoken(node);
  const handles = handlesOf(node);
  useHandles(id, `${handles.map((h) => h.on).join(" ")} ${says !== ""}`);
  return (
    <div
      className={classes(
        "flow-box relative rounded-xl border bg-card text-left shadow-raised transition-[border-color,box-shadow,opacity] duration-150",
        borderOf(data, selected ?? false),
        data.lit === "now" && "flow-box-now",
        data.dim && "opacity-45",
      )}
      style={{ width: NODE_WIDTH }}
    >
      {entry && !data.entered && !data.editable ? null : (
        <Handle
          type="target"
          position={Position.Left}
          isConnectable={data.editable}
          className="flow-pin flow-pin-in"
        />
      )}
      {data.mark || data.problem ? <Corner mark={data.mark} problem={data.problem} /> : null}
      <div className="flex items-center gap-2.5 px-3 pt-3">
        <span className={classes("grid size-8 shrink-0 place-items-center rounded-lg", face.look)}>
          <Icon name={face.icon} size={18} />
        </span>
        <span className="min-w-0 flex-1">
          <span className="block truncate font-semibold text-[0.8125rem] leading-4">{titleOf(node)}</span>
          <span className="block truncate text-2xs text-faint">
            {kindWord(node.kind)}
            {entry ? " · calls start here" : ""}
          </span>
        </span>
      </div>
      <p className="h-[1.375rem] truncate px-3 pt-1.5 text-2xs text-soft">{summary(node)}</p>
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
              <span className="truncate">{handle.label}</span>
              <Handle
                id={handle.on}
                type="source"
                position={Position.Right}
                isConnectable={data.editable}
                className={classes("flow-pin", !connected.has(handle.on) && "flow-pin-free")}
              />
            </li>
          ))}
        </ul>
      ) : (
        <p className="mt-2 h-[1.8125rem] border-line border-t px-3 py-1.5 text-2xs text-faint">
          The flow ends here
        </p>
      )}
    </div>
  );
});

/** The lines hang on the handles: when those change, the canvas has to look again. */
function useHandles(id: string, shape: string) {
  const look = useUpdateNodeInternals();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the shape of the handles is what matters
  useEffect(() => look(id), [id, shape, look]);
}

function Corner({ mark, problem }: { mark: Mark | null; problem: BoxData["problem"] }) {
  if (mark)
    return (
      <span
        className={classes(
          "absolute -top-2.5 right-3 rounded-full px-2 py-0.5 font-medium text-2xs leading-4",
          MARKS[mark].look,
        )}
      >
        {MARKS[mark].word}
      </span>
    );
  return (
    <span
      className={classes(
        "absolute -top-2 -right-2 grid size-6 place-items-center rounded-full border-2 border-well",
        problem === "error" ? "bg-stop-fill text-on-fill" : "bg-hold text-on-hold",
      )}
    >
      <Icon name="warning" size={13} title={problem === "error" ? "Has an error" : "Has a warning"} />
    </span>
  );
}

function borderOf(data: BoxData, selected: boolean): string {
  if (selected) return "border-brand ring-2 ring-brand";
  if (data.mark === "added") return "border-go ring-1 ring-go";
  if (data.mark === "removed") return "border-stop border-dashed opacity-70";
  if (data.mark === "changed") return "border-hold ring-1 ring-hold";
  if (data.lit) return "border-go ring-1 ring-go";
  if (data.problem === "error") return "border-stop";
  return data.entry ? "border-brand" : "border-line";
}

const MARKS: Record<Mark, { word: string; look: string }> = {
  added: { word: "New", look: "bg-go-fill text-on-fill" },
  removed: { word: "Removed", look: "bg-stop-fill text-on-fill" },
  changed: { word: "Changed", look: "bg-hold text-on-hold" },
};
