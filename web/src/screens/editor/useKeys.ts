/** The editor's keys, carried out. */
import { useReactFlow } from "@xyflow/react";
import { useEffect, useRef } from "react";
import { exitKey } from "../../core/flow";
import { copy, paste } from "../../core/flow-clipboard";
import { disconnect, move, remove } from "../../core/flow-edit";
import { type Deed, deedOf, nudge, walk } from "../../core/flow-keys";
import { layout } from "../../core/flow-layout";
import { FIT } from "./Canvas";
import type { DeskWords } from "./Desk";
import { download } from "./files";
import { glide } from "./glide";

/** Copy, cut and paste come as the browser's own events, so that the clipboard needs no permission. */
export function useKeys(desk: DeskWords, more: { find: () => void; nextProblem: () => void }) {
  const view = useReactFlow();
  const latest = useRef({ desk, more, view });
  latest.current = { desk, more, view };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { desk: now } = latest.current;
      if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
      const { target } = event;
      const typing =
        target instanceof HTMLElement &&
        (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
      // A click on the canvas leaves the focus on what is around it.
      const board = document.querySelector("[data-board]");
      const canvas =
        target instanceof Node && board !== null && (board.contains(target) || target.contains(board));
      const inMenu = target instanceof Element && target.closest("[role=menu]") !== null;
      const phone = target instanceof Element && target.closest("aside[aria-label=Phone]") !== null;
      if (inMenu || phone) return;
      const { key, shiftKey: shift, altKey: alt } = event;
      const deed = deedOf({ key, ctrl: event.ctrlKey || event.metaKey, shift, alt }, { canvas, typing });
      if (!deed || deed === "copy" || deed === "cut" || deed === "paste") return;
      if (now.comparison && !LOOKING.has(deed)) return;
      if (carryOut(deed, shift, latest.current)) event.preventDefault();
    };
    const clip = (event: ClipboardEvent) => {
      if (!isFree(event) || latest.current.desk.comparison) return;
      const { editor } = latest.current.desk;
      if (event.type === "paste") {
        const text = event.clipboardData?.getData("text/plain") ?? "";
        if (!paste(editor.flow, text)) return;
        event.preventDefault();
        editor.deeds.edit("paste", (flow) => {
          const pasted = paste(flow, text);
          return pasted ? { flow: pasted.flow, select: pasted.ids } : flow;
        });
        return;
      }
      if (editor.selected.size === 0) return;
      event.preventDefault();
      event.clipboardData?.setData("text/plain", copy(editor.flow, editor.selected));
      if (event.type === "cut") editor.deeds.edit("cut", (flow) => remove(flow, editor.selected));
      else editor.deeds.say(`Copied ${editor.selected.size}`);
    };
    document.addEventListener("keydown", press);
    for (const type of CLIPS) document.addEventListener(type, clip);
    return () => {
      document.removeEventListener("keydown", press);
      for (const type of CLIPS) document.removeEventListener(type, clip);
    };
  }, []);
}

type Now = {
  desk: DeskWords;
  more: { find: () => void; nextProblem: () => void };
  view: ReturnType<typeof useReactFlow>;
};

/** True: the browser need not do anything of its own. */
function carryOut(deed: Deed, shift: boolean, { desk, more, view }: Now): boolean {
  const { editor } = desk;
  const { deeds, flow, selected, lines } = editor;
  const only = selected.size === 1 ? [...selected][0] : undefined;
  const by = nudge(deed, shift);
  if (by) {
    if (selected.size === 0) return false;
    const to = [...flow.nodes, ...flow.notes].flatMap((n): [string, { x: number; y: number }][] =>
      selected.has(n.id) ? [[n.id, { x: n.at.x + by.x, y: n.at.y + by.y }]] : [],
    );
    deeds.edit("move", (f) => move(f, new Map(to)), "move by keys");
    return true;
  }
  if (deed.startsWith("walk-")) {
    const from = only ?? flow.entry;
    const to = walk(flow, from, deed.slice(5) as "left");
    if (to) desk.goTo(to);
    return true;
  }
  const whole: Partial<Record<Deed, () => void>> = {
    undo: deeds.undo,
    redo: deeds.redo,
    save: () => void desk.autosave.saveNow(),
    publish: () => desk.setSheet("publish"),
    duplicate: () =>
      deeds.edit("duplicate", (f) => {
        const pasted = paste(f, copy(f, selected));
        return pasted ? { flow: pasted.flow, select: pasted.ids } : f;
      }),
    all: () => deeds.select([...flow.nodes, ...flow.notes].map((n) => n.id)),
    none: () => deeds.select([]),
    remove: () => {
      const gone = flow.exits.filter((e) => lines.has(exitKey(e)));
      const what =
        selected.size > 0
          ? `remove ${selected.size === 1 ? "a node" : `${selected.size} nodes`}`
          : "disconnect";
      deeds.edit(what, (f) => remove(gone.reduce(disconnect, f), selected));
    },
    insert: () => desk.setInsert({}),
    rename: () => only && desk.goTo(only, "panel"),
    connect: () => only && desk.goTo(only, "exits"),
    find: more.find,
    "next-problem": more.nextProblem,
    "zoom-in": () => void view.zoomIn(),
    "zoom-out": () => void view.zoomOut(),
    "zoom-real": () => void view.zoomTo(1),
    fit: () => void view.fitView({ ...FIT, ...glide() }),
    tidy: () => deeds.edit("tidy up", (f) => move(f, layout(f))),
    test: () => desk.setTrying(!desk.trying),
    export: () => download(flow),
    import: () => desk.setSheet("import"),
    outline: () => desk.setAsOutline(!desk.asOutline),
    help: () => desk.setSheet("keys"),
  };
  whole[deed]?.();
  return whole[deed] !== undefined;
}

/** Not meant for a text field, a selected text, or a dialog. */
function isFree(event: ClipboardEvent): boolean {
  const { target } = event;
  if (target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return false;
  if (document.querySelector("dialog[open]")) return false;
  return event.type === "paste" || (document.getSelection()?.isCollapsed ?? true);
}

const CLIPS = ["copy", "cut", "paste"] as const;
/** What one may do while two versions stand side by side. */
const LOOKING: ReadonlySet<Deed> = new Set<Deed>([
  "find",
  "zoom-in",
  "zoom-out",
  "zoom-real",
  "fit",
  "help",
  "none",
]);
