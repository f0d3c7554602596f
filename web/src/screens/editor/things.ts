/** The document as the canvas wants it. What did not change stays the same object, so that only what changed is drawn again. */
import { useMemo, useRef } from "react";
import type { FlowNode, Note } from "../../core/flow";
import { heightOf, NODE_WIDTH } from "../../core/flow-size";
import { kindWord, titleOf } from "../../core/flow-words";
import { arrow, type Line, linesOf } from "../flows/drawing";
import type { Box, BoxData } from "../flows/FlowNode";
import type { DeskWords } from "./Desk";
import type { NoteThing } from "./NoteBox";

export type Thing = Box | NoteThing;

type Spots = ReadonlyMap<string, { x: number; y: number }>;

/** `dragged`: where things are held just now. */
export function useThings(desk: DeskWords, dragged: Spots): Thing[] {
  const things = useSettled(desk);
  return useMemo(() => {
    if (dragged.size === 0) return things;
    return things.map((thing) => {
      const position = dragged.get(thing.id);
      return position ? { ...thing, position } : thing;
    });
  }, [things, dragged]);
}

function useSettled(desk: DeskWords): Thing[] {
  const { editor, comparison, problems, trail } = desk;
  const flow = comparison ? comparison.both : editor.flow;
  const kept = useRef(new Map<string, Thing>());
  const around = useMemo(() => aroundOf(flow), [flow]);
  return useMemo(() => {
    const next = new Map<string, Thing>();
    const put = (thing: Thing) => next.set(thing.id, sameAs(kept.current.get(thing.id), thing));
    for (const node of flow.nodes) {
      const found = problems.get(node.id);
      put(
        boxOf(node, {
          position: node.at,
          selected: editor.selected.has(node.id),
          data: {
            node,
            entry: node.id === flow.entry,
            entered: around.entered.has(node.id),
            connected: around.connected.get(node.id) ?? NONE,
            editable: comparison === null,
            problem:
              comparison || !found ? null : found.some((p) => p.severity === "error") ? "error" : "warning",
            mark: comparison?.diff.nodes.get(node.id) ?? null,
            lit: trail?.now === node.id ? "now" : (trail?.nodes.has(node.id) ?? false),
            dim: trail
              ? !trail.nodes.has(node.id)
              : comparison
                ? !isTouched(comparison.diff, node.id)
                : false,
          },
        }),
      );
    }
    for (const note of flow.notes) put(noteOf(note, editor.selected.has(note.id)));
    kept.current = next;
    return [...next.values()];
  }, [flow, around, editor.selected, comparison, problems, trail]);
}

export function useLines(desk: DeskWords): Line[] {
  const { editor, comparison, trail } = desk;
  const flow = comparison ? comparison.both : editor.flow;
  const drawn = useMemo(() => linesOf(flow, (node) => node.at), [flow]);
  return useMemo(
    () =>
      drawn.map((line) => {
        const mark = comparison?.diff.exits.get(line.id);
        const lit = trail?.exits.has(line.id) ?? false;
        const className = [lit && "flow-line-lit", mark && `flow-line-${mark}`].filter(Boolean).join(" ");
        const color = lit ? "var(--color-go)" : mark && MARK_COLORS[mark];
        return {
          ...line,
          selected: editor.lines.has(line.id),
          className,
          animated: lit,
          ...(color ? { markerEnd: arrow(color) } : {}),
        };
      }),
    [drawn, editor.lines, comparison, trail],
  );
}

function boxOf(
  node: FlowNode,
  rest: { position: { x: number; y: number }; selected: boolean; data: BoxData },
): Box {
  const { entry, problem } = rest.data;
  const words = [
    kindWord(node.kind),
    entry && "calls start here",
    problem && `has ${problem === "error" ? "an error" : "a warning"}`,
  ];
  return {
    id: node.id,
    type: "box",
    measured: { width: NODE_WIDTH, height: heightOf(node) },
    ariaLabel: `${titleOf(node)}: ${words.filter(Boolean).join(", ")}`,
    domAttributes: { "aria-roledescription": "node", "aria-selected": undefined },
    ...rest,
  };
}

function noteOf(note: Note, selected: boolean): NoteThing {
  return {
    id: note.id,
    type: "note",
    position: note.at,
    selected,
    ariaLabel: `Note: ${note.text || "empty"}`,
    data: { note },
    zIndex: -1,
  };
}

function aroundOf(flow: { exits: readonly { from: string; on: string; to: string }[] }) {
  const connected = new Map<string, Set<string>>();
  const entered = new Set<string>();
  for (const exit of flow.exits) {
    const exits = connected.get(exit.from) ?? new Set<string>();
    connected.set(exit.from, exits.add(exit.on));
    entered.add(exit.to);
  }
  return { connected, entered };
}

function isTouched(
  diff: { nodes: ReadonlyMap<string, unknown>; exits: ReadonlyMap<string, unknown> },
  id: string,
) {
  return diff.nodes.has(id) || [...diff.exits.keys()].some((key) => key.startsWith(`${id} `));
}

/** The old object if it says the same. */
function sameAs(was: Thing | undefined, now: Thing): Thing {
  if (!was || was.type !== now.type || was.selected !== now.selected || was.ariaLabel !== now.ariaLabel)
    return now;
  if (was.position.x !== now.position.x || was.position.y !== now.position.y) return now;
  const [a, b]: Record<string, unknown>[] = [was.data, now.data];
  const fields = Object.keys(b ?? {});
  const same = fields.every((f) => {
    const [x, y] = [a?.[f], b?.[f]];
    return (
      x === y ||
      (x instanceof Set && y instanceof Set && x.size === y.size && [...x].every((one) => y.has(one)))
    );
  });
  return same ? was : now;
}

const MARK_COLORS = {
  added: "var(--color-go)",
  changed: "var(--color-hold-ink)",
  removed: "var(--color-stop)",
};
const NONE: ReadonlySet<string> = new Set();
