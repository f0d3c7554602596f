/** The flow as a list in the order a caller would come by: who cannot use a drawing edits here. */
import { exitKey, type Flow, type FlowNode } from "./flow";
import { handlesOf, titleOf } from "./flow-words";

export interface OutlineExit {
  on: string;
  label: string;
  to: string | null;
  toTitle: string | null;
}

export interface OutlineRow {
  node: FlowNode;
  title: string;
  /** How deep below the entry; what nobody reaches stands at 0, after the rest. */
  depth: number;
  reached: boolean;
  entry: boolean;
  /** The exits that lead here: "Main menu, 1 Sales". */
  from: string[];
  exits: OutlineExit[];
}

/** Depth first, each node once, where a caller meets it first. */
export function outline(flow: Flow): OutlineRow[] {
  const byId = new Map(flow.nodes.map((n) => [n.id, n]));
  const to = new Map(flow.exits.map((e) => [exitKey(e), e.to]));
  const into = inward(flow, byId);
  const seen = new Set<string>();
  const rows: OutlineRow[] = [];
  const visit = (start: string, reached: boolean) => {
    const stack = [{ id: start, depth: 0 }];
    for (let next = stack.pop(); next; next = stack.pop()) {
      const node = byId.get(next.id);
      if (!node || seen.has(node.id)) continue;
      seen.add(node.id);
      const exits = handlesOf(node).map(({ on, label }) => {
        const target = byId.get(to.get(exitKey({ from: node.id, on })) ?? "");
        return { on, label, to: target?.id ?? null, toTitle: target ? titleOf(target) : null };
      });
      rows.push({
        node,
        title: titleOf(node),
        depth: next.depth,
        reached,
        entry: node.id === flow.entry,
        from: into.get(node.id) ?? [],
        exits,
      });
      const { depth } = next;
      for (const exit of exits.toReversed()) if (exit.to) stack.push({ id: exit.to, depth: depth + 1 });
    }
  };
  visit(flow.entry, true);
  for (const node of flow.nodes) visit(node.id, false);
  return rows;
}

function inward(flow: Flow, byId: ReadonlyMap<string, FlowNode>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const exit of flow.exits) {
    const from = byId.get(exit.from);
    if (!from) continue;
    const label = handlesOf(from).find((h) => h.on === exit.on)?.label ?? exit.on;
    found.set(exit.to, [...(found.get(exit.to) ?? []), `${titleOf(from)}, ${label}`]);
  }
  return found;
}
