/** The editor's keys, and where they lead on the canvas. */
import type { At, Flow } from "./flow";
import { nodeOf } from "./flow";
import { handlesOf } from "./flow-words";

export type Deed =
  | "undo"
  | "redo"
  | "save"
  | "publish"
  | "copy"
  | "cut"
  | "paste"
  | "duplicate"
  | "all"
  | "none"
  | "remove"
  | "insert"
  | "rename"
  | "find"
  | "zoom-in"
  | "zoom-out"
  | "zoom-real"
  | "fit"
  | "connect"
  | "tidy"
  | "next-problem"
  | "test"
  | "export"
  | "import"
  | "outline"
  | "help"
  | "move-left"
  | "move-right"
  | "move-up"
  | "move-down"
  | "walk-left"
  | "walk-right"
  | "walk-up"
  | "walk-down";

export interface Press {
  key: string;
  ctrl: boolean;
  shift: boolean;
  alt: boolean;
}

/** What a key does. Letters alone work on the canvas only (WCAG 2.1.4), and nothing while one types. */
export function deedOf(press: Press, where: { canvas: boolean; typing: boolean }): Deed | null {
  const chord = chordOf(press);
  const anywhere = CHORDS[chord];
  if (anywhere) return where.typing && TYPED.has(anywhere) ? null : anywhere;
  if (where.typing || !where.canvas) return null;
  return ON_CANVAS[chord] ?? null;
}

/** The neighbour one comes to by walking along the lines: right with the caller, left against, up and down among siblings. */
export function walk(flow: Flow, id: string, to: "left" | "right" | "up" | "down"): string | undefined {
  if (to === "right") return exitsOf(flow, id)[0];
  const from = flow.exits.find((e) => e.to === id && e.from !== id)?.from;
  if (to === "left") return from;
  if (from === undefined) return undefined;
  const siblings = [...new Set(exitsOf(flow, from))];
  return siblings[siblings.indexOf(id) + (to === "down" ? 1 : -1)];
}

/** How far the arrow keys push what is selected. */
export function nudge(deed: Deed, shift: boolean): At | null {
  const far = shift ? STEP_PX * 5 : STEP_PX;
  const by: Partial<Record<Deed, At>> = {
    "move-left": { x: -far, y: 0 },
    "move-right": { x: far, y: 0 },
    "move-up": { x: 0, y: -far },
    "move-down": { x: 0, y: far },
  };
  return by[deed] ?? null;
}

function exitsOf(flow: Flow, id: string): string[] {
  const node = nodeOf(flow, id);
  if (!node) return [];
  return handlesOf(node).flatMap(
    ({ on }) => flow.exits.find((e) => e.from === id && e.on === on && e.to !== id)?.to ?? [],
  );
}

function chordOf({ key, ctrl, shift, alt }: Press): string {
  const name = key.length === 1 ? key.toLowerCase() : key;
  // Shift is part of writing "?" or "+", and of nothing else that is one character.
  const shifted = shift && (key.length > 1 || /[a-z]/i.test(key));
  return `${ctrl ? "Ctrl+" : ""}${alt ? "Alt+" : ""}${shifted ? "Shift+" : ""}${name}`;
}

const CHORDS: Record<string, Deed> = {
  "Ctrl+z": "undo",
  "Ctrl+Shift+z": "redo",
  "Ctrl+y": "redo",
  "Ctrl+s": "save",
  "Ctrl+Shift+Enter": "publish",
  "Ctrl+c": "copy",
  "Ctrl+x": "cut",
  "Ctrl+v": "paste",
  "Ctrl+d": "duplicate",
  "Ctrl+a": "all",
  "Ctrl+f": "find",
  "Ctrl+Enter": "test",
  "Ctrl+e": "export",
  "Ctrl+i": "import",
  F8: "next-problem",
};

const ON_CANVAS: Record<string, Deed> = {
  Escape: "none",
  Delete: "remove",
  Backspace: "remove",
  "/": "insert",
  F2: "rename",
  "+": "zoom-in",
  "=": "zoom-in",
  "-": "zoom-out",
  "1": "zoom-real",
  "0": "fit",
  c: "connect",
  o: "outline",
  "Shift+t": "tidy",
  "?": "help",
  ArrowLeft: "move-left",
  ArrowRight: "move-right",
  ArrowUp: "move-up",
  ArrowDown: "move-down",
  "Shift+ArrowLeft": "move-left",
  "Shift+ArrowRight": "move-right",
  "Shift+ArrowUp": "move-up",
  "Shift+ArrowDown": "move-down",
  "Alt+ArrowLeft": "walk-left",
  "Alt+ArrowRight": "walk-right",
  "Alt+ArrowUp": "walk-up",
  "Alt+ArrowDown": "walk-down",
};

/** What a text field does better by itself. */
const TYPED: ReadonlySet<Deed> = new Set<Deed>(["copy", "cut", "paste", "duplicate", "all"]);

/** For the list of keys. */
export const KEYS_SHOWN: readonly { keys: string; does: string }[] = [
  { keys: "/", does: "Add a node after the selected one" },
  { keys: "C", does: "Connect the selected node" },
  { keys: "Delete", does: "Remove what is selected" },
  { keys: "F2", does: "Rename" },
  { keys: "Arrows", does: "Move what is selected (Shift: far)" },
  { keys: "Alt + arrows", does: "Walk along the lines" },
  { keys: "Ctrl + Z / Ctrl + Shift + Z", does: "Undo / redo" },
  { keys: "Ctrl + C, X, V, D", does: "Copy, cut, paste, duplicate" },
  { keys: "Ctrl + A / Esc", does: "Select all / nothing" },
  { keys: "Shift + T", does: "Tidy up" },
  { keys: "O", does: "Outline instead of drawing" },
  { keys: "Ctrl + F", does: "Find" },
  { keys: "F8", does: "Next problem" },
  { keys: "Ctrl + Enter", does: "Try the flow" },
  { keys: "Ctrl + S", does: "Save now" },
  { keys: "Ctrl + Shift + Enter", does: "Publish" },
  { keys: "Ctrl + E / Ctrl + I", does: "Export / import" },
  { keys: "+, −, 0, 1", does: "Zoom in, out, fit, 100 %" },
];

const STEP_PX = 20;
