/** What would mend a problem with one press, where that is obvious. */
import { type Flow, isTerminal, nodeOf } from "./flow";
import { addNode, connect, disconnect, remove, setEntry } from "./flow-edit";
import { heightOf, NODE_WIDTH } from "./flow-size";
import { handlesOf, titleOf } from "./flow-words";

export interface Fix {
  label: string;
  apply: (flow: Flow) => Flow;
}

/** The obvious ways out of a problem, the best first. */
export function fixesOf(flow: Flow, problem: { code: string; node?: string | null }): Fix[] {
  const node = problem.node ? nodeOf(flow, problem.node) : undefined;
  switch (problem.code) {
    case "no_entry":
      return startings(flow);
    case "unconnected":
    case "option_unconnected":
      return node ? endings(flow, node.id, problem.code) : [];
    case "unreachable":
      return node ? [{ label: "Remove it", apply: (f) => remove(f, new Set([node.id])) }] : [];
    case "terminal_with_exits":
    case "stray_exit":
      return node ? [{ label: "Remove the stray lines", apply: (f) => withoutStrays(f, node.id) }] : [];
    default:
      return [];
  }
}

/** The exits of a node that lead nowhere and will be taken by somebody. */
export function looseExits(flow: Flow, id: string, code: string): string[] {
  const node = nodeOf(flow, id);
  if (!node || isTerminal(node.kind)) return [];
  const leads = (on: string) => flow.exits.some((e) => e.from === id && e.on === on);
  const all = handlesOf(node).map((h) => h.on);
  if (code === "option_unconnected") return all.filter((on) => on.startsWith("digit:") && !leads(on));
  const needed: Record<string, string[]> = {
    menu: ["max_retries"],
    gather: leads("timeout") ? ["default"] : ["default", "max_retries"],
    http_callback: ["default"],
  };
  return (needed[node.kind] ?? all).filter((on) => !leads(on));
}

function startings(flow: Flow): Fix[] {
  const entered = new Set(flow.exits.map((e) => e.to));
  const first = flow.nodes.find((n) => !entered.has(n.id) && !isTerminal(n.kind)) ?? flow.nodes[0];
  return first ? [{ label: `Start at “${titleOf(first)}”`, apply: (f) => setEntry(f, first.id) }] : [];
}

function endings(flow: Flow, id: string, code: string): Fix[] {
  const loose = looseExits(flow, id, code);
  if (loose.length === 0) return [];
  const join = (f: Flow, to: string) => loose.reduce((g, on) => connect(g, { from: id, on, to }), f);
  const end = flow.nodes.find((n) => n.kind === "hangup");
  if (end) return [{ label: `Lead to “${titleOf(end)}”`, apply: (f) => join(f, end.id) }];
  const node = nodeOf(flow, id);
  const at = { x: (node?.at.x ?? 0) + NODE_WIDTH + 96, y: (node?.at.y ?? 0) + (node ? heightOf(node) : 0) };
  return [
    {
      label: "Hang up there",
      apply: (f) => {
        const added = addNode(f, "hangup", at);
        return join(added.flow, added.id);
      },
    },
  ];
}

function withoutStrays(flow: Flow, id: string): Flow {
  const node = nodeOf(flow, id);
  const has = new Set(node ? handlesOf(node).map((h) => h.on) : []);
  return flow.exits.filter((e) => e.from === id && !has.has(e.on)).reduce((f, e) => disconnect(f, e), flow);
}
