/** Finding nodes: by any word in them, or by what is the matter with them. */
import type { Flow, FlowNode } from "./flow";
import { kindWord, titleOf } from "./flow-words";

export interface About {
  invalid: ReadonlySet<string>;
  unreachable: ReadonlySet<string>;
  changed: ReadonlySet<string>;
}

export interface Found {
  id: string;
  title: string;
  /** The text that matched, or what kind of node it is. */
  where: string;
}

/** Every word must match; `is:invalid`, `is:unreachable` and `is:changed` narrow it down. */
export function find(flow: Flow, query: string, about: About): Found[] {
  const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found: Found[] = [];
  for (const node of flow.nodes) {
    const texts = textsOf(node);
    const all = texts.join("\n").toLocaleLowerCase();
    if (!words.every((w) => (w.startsWith("is:") ? is(w, node.id, about) : all.includes(w)))) continue;
    const plain = words.find((w) => !w.startsWith("is:"));
    const hit = plain ? texts.find((t) => t.toLocaleLowerCase().includes(plain)) : undefined;
    const title = titleOf(node);
    found.push({ id: node.id, title, where: hit && hit !== title ? hit : kindWord(node.kind) });
  }
  for (const note of flow.notes)
    if (words.every((w) => note.text.toLocaleLowerCase().includes(w)))
      found.push({ id: note.id, title: "Note", where: note.text });
  return found;
}

function is(word: string, id: string, about: About): boolean {
  const sets: Record<string, ReadonlySet<string>> = {
    "is:invalid": about.invalid,
    "is:unreachable": about.unreachable,
    "is:changed": about.changed,
  };
  return sets[word]?.has(id) ?? false;
}

/** Everything in a node that people wrote. */
function textsOf(node: FlowNode): string[] {
  const texts = [titleOf(node), kindWord(node.kind), node.id];
  const take = (value: unknown) => {
    if (typeof value === "string" && value) texts.push(value);
    else if (typeof value === "object" && value !== null)
      for (const inner of Object.values(value)) take(inner);
  };
  const { id: _id, kind: _kind, name: _name, at: _at, ...rest } = node;
  if (node.kind === "menu") for (const o of node.options) texts.push(`${o.digit} ${o.label}`.trim());
  take(rest);
  return texts;
}
