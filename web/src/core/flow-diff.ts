/** What is different between two flows: nodes, their fields, and the lines between them. */
import { exitKey, type Flow, type FlowNode } from "./flow";
import { fieldWord, handlesOf, titleOf } from "./flow-words";

export type Mark = "added" | "removed" | "changed";

export interface FieldChange {
  field: string;
  before: string;
  after: string;
}

export interface FlowDiff {
  nodes: Map<string, Mark>;
  fields: Map<string, FieldChange[]>;
  /** By the exit's key. An exit that leads elsewhere is `changed`. */
  exits: Map<string, Mark>;
  notes: Map<string, Mark>;
  entry: boolean;
  name: boolean;
  /** How many differences callers could notice; a moved node is none. */
  count: number;
}

export function diffFlows(before: Flow, after: Flow): FlowDiff {
  const nodes = new Map<string, Mark>();
  const fields = new Map<string, FieldChange[]>();
  const was = new Map(before.nodes.map((n) => [n.id, n]));
  const is = new Map(after.nodes.map((n) => [n.id, n]));
  for (const node of after.nodes) {
    const old = was.get(node.id);
    if (!old) nodes.set(node.id, "added");
    else if (old !== node) {
      const changes = fieldChanges(old, node);
      if (changes.length > 0) {
        nodes.set(node.id, "changed");
        fields.set(node.id, changes);
      }
    }
  }
  for (const node of before.nodes) if (!is.has(node.id)) nodes.set(node.id, "removed");
  const exits = marks(before.exits, after.exits, exitKey, (a, b) => a.to === b.to);
  const notes = marks(
    before.notes,
    after.notes,
    (n) => n.id,
    (a, b) => a.text === b.text,
  );
  const [entry, name] = [before.entry !== after.entry, before.name !== after.name];
  const count = nodes.size + exits.size + Number(entry) + Number(name);
  return { nodes, fields, exits, notes, entry, name, count };
}

/** Both flows at once, to be drawn: `after`, and what `before` had besides. */
export function bothFlows(before: Flow, after: Flow): Flow {
  const nodes = new Set(after.nodes.map((n) => n.id));
  const exits = new Set(after.exits.map(exitKey));
  const all = [...after.nodes, ...before.nodes.filter((n) => !nodes.has(n.id))];
  const drawn = new Set(all.map((n) => n.id));
  const gone = before.exits.filter((e) => !exits.has(exitKey(e)) && drawn.has(e.from) && drawn.has(e.to));
  return { ...after, nodes: all, exits: [...after.exits, ...gone] };
}

/** The differences as sentences, in reading order. */
export function diffSentences(before: Flow, after: Flow): { id: string; mark: Mark; text: string }[] {
  const diff = diffFlows(before, after);
  const both = bothFlows(before, after);
  const title = new Map(both.nodes.map((n) => [n.id, titleOf(n)]));
  const lines: { id: string; mark: Mark; text: string }[] = [];
  if (diff.name) lines.push({ id: "", mark: "changed", text: `Renamed “${before.name}” to “${after.name}”` });
  if (diff.entry)
    lines.push({
      id: after.entry,
      mark: "changed",
      text: `Calls start at “${title.get(after.entry) ?? "nothing"}”`,
    });
  for (const node of both.nodes) {
    const mark = diff.nodes.get(node.id);
    if (mark === "added" || mark === "removed")
      lines.push({ id: node.id, mark, text: `${mark === "added" ? "Added" : "Removed"} “${titleOf(node)}”` });
    for (const change of diff.fields.get(node.id) ?? [])
      lines.push({
        id: node.id,
        mark: "changed",
        text: `${titleOf(node)}: ${change.field} ${change.before || "empty"} → ${change.after || "empty"}`,
      });
    const labels = new Map(handlesOf(node).map((h) => [h.on, h.label]));
    for (const [key, exitMark] of diff.exits) {
      const on = key.startsWith(`${node.id} `) ? key.slice(node.id.length + 1) : null;
      // A new or gone node's lines come and go with it.
      if (on === null || mark === "added" || mark === "removed") continue;
      const to = (exitMark === "removed" ? before : after).exits.find(
        (e) => e.from === node.id && e.on === on,
      );
      const verb = { added: "now leads to", changed: "now leads to", removed: "no longer leads to" }[
        exitMark
      ];
      const label = labels.get(on) ?? on;
      lines.push({
        id: node.id,
        mark: exitMark,
        text: `${titleOf(node)}: ${label} ${verb} “${title.get(to?.to ?? "") ?? "nothing"}”`,
      });
    }
  }
  return lines;
}

function fieldChanges(before: FlowNode, after: FlowNode): FieldChange[] {
  const old: Record<string, unknown> = { ...before };
  const now: Record<string, unknown> = { ...after };
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return names
    .filter((f) => f !== "id" && f !== "at" && JSON.stringify(old[f]) !== JSON.stringify(now[f]))
    .map((f) => ({ field: fieldWord(f), before: shown(old[f]), after: shown(now[f]) }));
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value === "" ? "" : `“${value}”`;
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map(part).join(", ");
  return part(value);
}

function part(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.values(value)
    .map((v) => (typeof v === "boolean" ? (v ? "open" : "closed") : String(v ?? "")))
    .filter(Boolean)
    .join(" ");
}

function marks<T>(
  before: readonly T[],
  after: readonly T[],
  key: (one: T) => string,
  same: (a: T, b: T) => boolean,
): Map<string, Mark> {
  const found = new Map<string, Mark>();
  const old = new Map(before.map((b) => [key(b), b]));
  for (const one of after) {
    const was = old.get(key(one));
    if (was === undefined) found.set(key(one), "added");
    else if (!same(was, one)) found.set(key(one), "changed");
    old.delete(key(one));
  }
  for (const gone of old.keys()) found.set(gone, "removed");
  return found;
}
