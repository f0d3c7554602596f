/** Puts on one table what the parts of the editor share. */
import { useReactFlow } from "@xyflow/react";
import { useCallback, useMemo, useState } from "react";
import type { KnownClip } from "../../api/clips";
import type { FlowDraft, Problem } from "../../api/words";
import { type Flow, whole } from "../../core/flow";
import { bothFlows, diffFlows } from "../../core/flow-diff";
import { addNode, addNote, freeExit, move } from "../../core/flow-edit";
import { positions } from "../../core/flow-layout";
import { heightOf, NODE_WIDTH } from "../../core/flow-size";
import { kindWord } from "../../core/flow-words";
import type { Comparison, DeskWords, InsertWish, Sheet, Trail } from "./Desk";
import { glide } from "./glide";
import { freeSpot, spotAfter } from "./spots";
import { useAutosave } from "./useAutosave";
import { type Editor, useEditor } from "./useEditor";

export interface Around {
  flows: readonly { id: string; name: string }[];
  teams: readonly { id: string; name: string }[];
  clips: readonly KnownClip[];
  /** The server keeps notes. */
  notes: boolean;
  published: { version: number; flow: Flow } | null;
}

export function useDeskWords(opened: FlowDraft, around: Around): DeskWords {
  const baseline = useMemo(() => {
    const flow = whole(opened.flow);
    return move(flow, positions(flow));
  }, [opened]);
  const editor = useEditor(baseline);
  const autosave = useAutosave(opened.id, opened, baseline, editor.flow);
  const [compared, compare] = useState<Comparison | null>(null);
  const [trail, setTrail] = useState<Trail | null>(null);
  const [sheet, setSheet] = useState<Sheet>(null);
  const [trying, setTrying] = useState(false);
  const [asOutline, setAsOutline] = useState(() => matchMedia("(max-width: 40rem)").matches);
  const [insert, setInsert] = useState<InsertWish | null>(null);
  const comparison = useComparison(compared);
  const problems = useMemo(() => byNode(autosave.problems), [autosave.problems]);
  const places = usePlaces(editor, asOutline, around.notes);
  return {
    id: opened.id,
    opened,
    editor,
    autosave,
    problems,
    flows: around.flows,
    teams: around.teams,
    clips: around.clips,
    published: around.published,
    comparison,
    compare,
    trail,
    setTrail,
    sheet,
    setSheet,
    trying,
    setTrying,
    asOutline,
    setAsOutline,
    insert,
    setInsert,
    ...places,
  };
}

/** What has to do with where things stand: adding them, and going there. */
function usePlaces(
  editor: Editor,
  asOutline: boolean,
  notes: boolean,
): Pick<DeskWords, "add" | "addNote" | "goTo"> {
  const view = useReactFlow();
  const middle = useCallback(() => {
    const box = document.querySelector("[data-board]")?.getBoundingClientRect();
    if (!box) return { x: 0, y: 0 };
    const spot = view.screenToFlowPosition({ x: box.x + box.width / 2, y: box.y + box.height / 3 });
    return { x: Math.round(spot.x - NODE_WIDTH / 2), y: Math.round(spot.y) };
  }, [view]);
  const only = editor.selected.size === 1 ? [...editor.selected][0] : undefined;
  const { deeds } = editor;
  return {
    add: (kind, wish = {}) => {
      const { flow } = editor;
      const after = wish.from ?? (wish.at || !only ? undefined : freeExit(flow, only));
      const near = wish.at ?? (after ? spotAfter(flow, after.from, after.on) : middle());
      const added = addNode(flow, kind, wish.at ? near : freeSpot(flow, near), after);
      deeds.edit(`add ${kindWord(kind)}`, () => ({ flow: added.flow, select: [added.id] }));
      focusSoon(added.id, "canvas");
    },
    addNote: notes
      ? () =>
          deeds.edit("add a note", (flow) => {
            const added = addNote(flow, middle());
            return { flow: added.flow, select: [added.id] };
          })
      : null,
    goTo: (id, focus = "canvas") => {
      deeds.select([id]);
      const at = [...editor.flow.nodes, ...editor.flow.notes].find((n) => n.id === id);
      if (at && !asOutline) {
        const height = "kind" in at ? heightOf(at) : 80;
        void view.setCenter(at.at.x + NODE_WIDTH / 2, at.at.y + height / 2, {
          zoom: Math.max(view.getZoom(), 0.75),
          ...glide(),
        });
      }
      focusSoon(id, focus);
    },
  };
}

function useComparison(compared: Comparison | null): DeskWords["comparison"] {
  return useMemo(
    () =>
      compared && {
        ...compared,
        diff: diffFlows(compared.before, compared.after),
        both: bothFlows(compared.before, compared.after),
      },
    [compared],
  );
}

function byNode(problems: readonly Problem[]): Map<string, Problem[]> {
  return Map.groupBy(
    problems.filter((p): p is Problem & { node: string } => p.node !== null),
    (p) => p.node,
  );
}

/** Once what was changed is drawn. */
function focusSoon(id: string, focus: "canvas" | "panel" | "exits") {
  requestAnimationFrame(() =>
    requestAnimationFrame(() => focusOf(id, focus)?.focus({ preventScroll: focus === "canvas" })),
  );
}

function focusOf(id: string, focus: "canvas" | "panel" | "exits"): HTMLElement | null {
  if (focus === "panel") return document.querySelector("[data-panel] input");
  if (focus === "exits")
    return (
      document.querySelector<HTMLElement>("[data-panel] [data-exits] button[aria-label$='Nowhere yet']") ??
      document.querySelector("[data-panel] [data-exits] button")
    );
  const name = CSS.escape(id);
  return (
    document.querySelector<HTMLElement>(`.react-flow__node[data-id="${name}"]`) ??
    document.querySelector<HTMLElement>(`[data-row="${name}"]`)
  );
}
