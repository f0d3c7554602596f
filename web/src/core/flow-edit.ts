/** Every change one can make to a flow: a flow in, a new flow out, the old one untouched. */
import {
  type At,
  blankNode,
  type Exit,
  type Flow,
  type FlowNode,
  isTerminal,
  KEYS,
  type Kind,
  type MenuOption,
  type Note,
  nodeOf,
} from "./flow";
import { handlesOf, kindWord } from "./flow-words";

/** An id nothing in the flow has: `menu`, then `menu-2`. */
export function newId(flow: Flow, stem: string): string {
  const taken = new Set([...flow.nodes, ...flow.notes].map((n) => n.id));
  if (!taken.has(stem)) return stem;
  let n = 2;
  while (taken.has(`${stem}-${n}`)) n += 1;
  return `${stem}-${n}`;
}

/** Adds a blank node; the first one is where calls begin. `from` is connected to it if its exit is free. */
export function addNode(
  flow: Flow,
  kind: Kind,
  at: At,
  from?: { from: string; on: string },
): { flow: Flow; id: string } {
  const id = newId(flow, STEMS[kind]);
  const node =
    kind === "timing" ? { ...blankNode(kind, id, at), days: OFFICE_WEEK() } : blankNode(kind, id, at);
  const grown = { ...flow, entry: flow.entry || id, nodes: [...flow.nodes, node as FlowNode] };
  return { flow: from ? connect(grown, { ...from, to: id }) : grown, id };
}

/** Puts a node into a line: what led to the target leads to the node, and its first exit leads on. */
export function addInto(flow: Flow, kind: Kind, at: At, exit: Exit): { flow: Flow; id: string } {
  const added = addNode(flow, kind, at, exit);
  const node = nodeOf(added.flow, added.id);
  const onward = node ? handlesOf(node)[0] : undefined;
  if (!onward) return added;
  return { ...added, flow: connect(added.flow, { from: added.id, on: onward.on, to: exit.to }) };
}

/** The first exit of a node that leads nowhere yet. */
export function freeExit(flow: Flow, id: string): { from: string; on: string } | undefined {
  const node = nodeOf(flow, id);
  if (!node) return undefined;
  const taken = new Set(flow.exits.filter((e) => e.from === id).map((e) => e.on));
  const free = handlesOf(node).find((h) => !taken.has(h.on));
  return free ? { from: id, on: free.on } : undefined;
}

/** Takes nodes and notes away, with every line from or to them. */
export function remove(flow: Flow, ids: ReadonlySet<string>): Flow {
  return {
    ...flow,
    entry: ids.has(flow.entry) ? "" : flow.entry,
    nodes: flow.nodes.filter((n) => !ids.has(n.id)),
    exits: flow.exits.filter((e) => !ids.has(e.from) && !ids.has(e.to)),
    notes: flow.notes.filter((n) => !ids.has(n.id)),
  };
}

/** Where a node's callers would go without it: its only target, if something leads to the node. */
export function bridgeOver(flow: Flow, id: string): string | undefined {
  const targets = new Set(flow.exits.filter((e) => e.from === id && e.to !== id).map((e) => e.to));
  const entered = flow.entry === id || flow.exits.some((e) => e.to === id && e.from !== id);
  return targets.size === 1 && entered ? [...targets][0] : undefined;
}

/** Takes one node away and joins what was around it. */
export function removeAndBridge(flow: Flow, id: string): Flow {
  const over = bridgeOver(flow, id);
  const less = remove(flow, new Set([id]));
  if (over === undefined) return less;
  const inward = flow.exits.filter((e) => e.to === id && e.from !== id).map((e) => ({ ...e, to: over }));
  return { ...inward.reduce(connect, less), entry: flow.entry === id ? over : flow.entry };
}

/** Draws one exit. An occasion leads to one place, so an older exit on it goes. */
export function connect(flow: Flow, exit: Exit): Flow {
  if (whyNot(flow, exit) !== null) return flow;
  const at = flow.exits.findIndex((e) => e.from === exit.from && e.on === exit.on);
  const { from, on, to } = exit;
  if (at < 0) return { ...flow, exits: [...flow.exits, { from, on, to }] };
  return { ...flow, exits: flow.exits.map((e, n) => (n === at ? { from, on, to } : e)) };
}

/** Why an exit cannot be drawn, in words; null: it can. */
export function whyNot(flow: Flow, exit: Exit): string | null {
  const from = nodeOf(flow, exit.from);
  if (!from || !nodeOf(flow, exit.to)) return "There is no such node.";
  if (isTerminal(from.kind)) return `${kindWord(from.kind)} ends the flow here.`;
  if (!handlesOf(from).some((h) => h.on === exit.on)) return "This node has no such way out.";
  if (exit.from === exit.to && from.kind !== "menu" && from.kind !== "gather")
    return "It would go round and round without hearing the caller.";
  return null;
}

export function disconnect(flow: Flow, { from, on }: { from: string; on: string }): Flow {
  return { ...flow, exits: flow.exits.filter((e) => e.from !== from || e.on !== on) };
}

/** Moves nodes and notes to whole pixels. */
export function move(flow: Flow, to: ReadonlyMap<string, At>): Flow {
  const moved = <N extends { id: string; at: At }>(thing: N): N => {
    const at = to.get(thing.id);
    if (!at) return thing;
    const there = { x: Math.round(at.x), y: Math.round(at.y) };
    return there.x === thing.at.x && there.y === thing.at.y ? thing : { ...thing, at: there };
  };
  return { ...flow, nodes: flow.nodes.map(moved), notes: flow.notes.map(moved) };
}

/** Sets properties of a node. A menu's options have their own functions, since exits hang on them. */
export function setNode(flow: Flow, id: string, patch: Readonly<Record<string, unknown>>): Flow {
  return {
    ...flow,
    nodes: flow.nodes.map((n) => (n.id === id ? (tidied({ ...n, ...patch }) as FlowNode) : n)),
  };
}

export function setEntry(flow: Flow, id: string): Flow {
  return { ...flow, entry: id };
}

export function setName(flow: Flow, name: string): Flow {
  return { ...flow, name };
}

/** Offers one more key: the given one, or the first that is free. */
export function addOption(flow: Flow, id: string, digit?: string): Flow {
  const node = nodeOf(flow, id);
  if (node?.kind !== "menu") return flow;
  const taken = new Set(node.options.map((o) => o.digit));
  const key = digit ?? KEYS.find((k) => !taken.has(k));
  if (key === undefined || taken.has(key)) return flow;
  return setNode(flow, id, { options: [...node.options, { digit: key, label: "" }] });
}

/** Changes an option; when its key changes, its line goes along, and the others stay. */
export function setOption(flow: Flow, id: string, at: number, patch: Partial<MenuOption>): Flow {
  const node = nodeOf(flow, id);
  const option = node?.kind === "menu" ? node.options[at] : undefined;
  if (node?.kind !== "menu" || !option) return flow;
  const next = { ...option, ...patch };
  if (node.options.some((o, n) => n !== at && o.digit === next.digit)) return flow;
  const changed = setNode(flow, id, { options: node.options.map((o, n) => (n === at ? next : o)) });
  if (next.digit === option.digit) return changed;
  const [was, is] = [`digit:${option.digit}`, `digit:${next.digit}`];
  return {
    ...changed,
    exits: changed.exits.map((e) => (e.from === id && e.on === was ? { ...e, on: is } : e)),
  };
}

/** Takes an option away, and the line that hung on it. */
export function removeOption(flow: Flow, id: string, at: number): Flow {
  const node = nodeOf(flow, id);
  const option = node?.kind === "menu" ? node.options[at] : undefined;
  if (node?.kind !== "menu" || !option) return flow;
  const less = setNode(flow, id, { options: node.options.filter((_, n) => n !== at) });
  return disconnect(less, { from: id, on: `digit:${option.digit}` });
}

export function addNote(flow: Flow, at: At): { flow: Flow; id: string } {
  const id = newId(flow, "note");
  return { flow: { ...flow, notes: [...flow.notes, { id, text: "", at }] }, id };
}

export function setNote(flow: Flow, id: string, patch: Partial<Omit<Note, "id">>): Flow {
  return { ...flow, notes: flow.notes.map((n) => (n.id === id ? { ...n, ...patch } : n)) };
}

/** A prompt's absent parts are left out, so that the text is the server's own. */
function tidied(node: Record<string, unknown>): Record<string, unknown> {
  const { prompt } = node;
  if (typeof prompt !== "object" || prompt === null) return node;
  const { clip, text } = prompt as { clip?: string | null; text?: string | null };
  const kept = { ...(clip ? { clip } : {}), ...(text ? { text } : {}) };
  if (node.kind !== "hangup") return { ...node, prompt: kept };
  const { id, kind, name, at } = node;
  return { id, kind, ...(Object.keys(kept).length > 0 ? { prompt: kept } : {}), name, at };
}

const STEMS: Record<Kind, string> = {
  greeting: "greeting",
  menu: "menu",
  gather: "digits",
  http_callback: "request",
  transfer: "transfer",
  goto_flow: "jump",
  timing: "hours",
  hangup: "hangup",
};

const OFFICE_WEEK = () =>
  (["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const).map((day, n) => ({
    day,
    enabled: n < 5,
    start: "09:00",
    end: "17:00",
  }));
