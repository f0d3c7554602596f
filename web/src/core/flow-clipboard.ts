/** A part of a flow as text, to be pasted into another flow, another tab, or an e-mail. */
import { type At, type Flow, whole } from "./flow";
import { newId } from "./flow-edit";

/** What is selected, with the lines between its nodes. */
export function copy(flow: Flow, ids: ReadonlySet<string>): string {
  const part = {
    patchbay: FORMAT,
    nodes: flow.nodes.filter((n) => ids.has(n.id)),
    exits: flow.exits.filter((e) => ids.has(e.from) && ids.has(e.to)),
    notes: flow.notes.filter((n) => ids.has(n.id)),
  };
  return JSON.stringify(part, null, 2);
}

/** Pastes what `copy` wrote, under new ids, its top left corner at `at` (or a little beside the original). */
export function paste(flow: Flow, text: string, at?: At): { flow: Flow; ids: Set<string> } | null {
  const part = read(text);
  if (!part || part.nodes.length + part.notes.length === 0) return null;
  const spots = [...part.nodes, ...part.notes].map((n) => n.at);
  const corner = { x: Math.min(...spots.map((s) => s.x)), y: Math.min(...spots.map((s) => s.y)) };
  const to = at ?? { x: corner.x + BESIDE, y: corner.y + BESIDE };
  const put = (spot: At) => ({
    x: Math.round(spot.x - corner.x + to.x),
    y: Math.round(spot.y - corner.y + to.y),
  });
  let grown = flow;
  const named = new Map<string, string>();
  for (const node of part.nodes) {
    const id = newId(grown, node.id);
    named.set(node.id, id);
    grown = { ...grown, nodes: [...grown.nodes, { ...node, id, at: put(node.at) }] };
  }
  const ids = new Set(named.values());
  for (const note of part.notes) {
    const id = newId(grown, note.id);
    ids.add(id);
    grown = { ...grown, notes: [...grown.notes, { ...note, id, at: put(note.at) }] };
  }
  const exits = part.exits.flatMap(({ from, on, to: target }) => {
    const [a, b] = [named.get(from), named.get(target)];
    return a !== undefined && b !== undefined ? [{ from: a, on, to: b }] : [];
  });
  const entry = grown.entry || (part.nodes[0] ? (named.get(part.nodes[0].id) ?? "") : "");
  return { flow: { ...grown, entry, exits: [...grown.exits, ...exits] }, ids };
}

function read(text: string): Flow | null {
  try {
    const part: unknown = JSON.parse(text);
    const ours = typeof part === "object" && part !== null && "patchbay" in part && part.patchbay === FORMAT;
    return ours ? whole(part as Partial<Flow>) : null;
  } catch {
    return null;
  }
}

const FORMAT = "flow-part/1";
const BESIDE = 40;
