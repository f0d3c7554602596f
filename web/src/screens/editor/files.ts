/** A flow as a file on the reader's own disk, and back. */
import { type Flow, type LooseFlow, toSend, whole } from "../../core/flow";

export function download(flow: Flow) {
  const text = `${JSON.stringify(toSend(flow), null, 2)}\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `${flow.name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "flow"}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** The flow in a text, or why it is none. */
export function readFlow(text: string): { flow: Flow } | { why: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { why: "This is not JSON." };
  }
  if (typeof value !== "object" || value === null || !("nodes" in value) || !Array.isArray(value.nodes))
    return { why: "This is JSON, but not a flow: it has no list of nodes." };
  const flow = whole(value as LooseFlow);
  if (flow.nodes.length !== value.nodes.length)
    return { why: "A node in it is of a kind Patchbay does not know." };
  return { flow };
}
