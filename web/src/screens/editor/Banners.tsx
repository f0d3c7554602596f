/** What stands across the editor: a conflict, a failed save, two versions side by side. */
import { useReactFlow } from "@xyflow/react";
import { useEffect, useState } from "react";
import { diffFlows, diffSentences } from "../../core/flow-diff";
import { move } from "../../core/flow-edit";
import { positions } from "../../core/flow-layout";
import { fullMoment } from "../../core/time";
import { Button } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Notice } from "../../ui/Notice";
import { FIT } from "./Canvas";
import { useDesk } from "./Desk";
import { glide } from "./glide";

export function Banners() {
  const { autosave, comparison } = useDesk();
  const { trouble } = autosave.draft;
  return (
    <div className="flex flex-col empty:hidden">
      {trouble?.kind === "moved" ? <Conflict /> : null}
      {trouble?.kind === "failed" ? (
        <div className="p-2">
          <Notice
            tone="stop"
            action={
              <Button size="sm" icon="refresh" onClick={() => void autosave.saveNow()}>
                Save now
              </Button>
            }
          >
            Not saved: {trouble.words} {trouble.for_good ? "" : "It is tried again by itself."}
          </Notice>
        </div>
      ) : null}
      {comparison ? <Compared /> : null}
    </div>
  );
}

/** Somebody was quicker: nothing is lost, and one decides. */
function Conflict() {
  const { editor, autosave, compare, comparison } = useDesk();
  const { trouble } = autosave.draft;
  if (trouble?.kind !== "moved") return null;
  const theirs = move(trouble.theirs, positions(trouble.theirs));
  const count = diffFlows(theirs, editor.flow).count;
  return (
    <div className="p-2" role="alert">
      <Notice
        tone="hold"
        action={
          <>
            <Button size="sm" onClick={autosave.keepMine}>
              Keep mine
            </Button>
            <Button
              size="sm"
              onClick={() => {
                compare(null);
                editor.deeds.edit(`take ${trouble.by ?? "the other"}’s draft`, () => theirs);
                autosave.takeTheirs(theirs);
              }}
            >
              Take theirs
            </Button>
            {comparison ? null : (
              <Button
                size="sm"
                onClick={() => compare({ title: "Mine against theirs", before: theirs, after: editor.flow })}
              >
                See both
              </Button>
            )}
          </>
        }
      >
        {trouble.by ?? "Somebody"} changed this draft at {fullMoment(trouble.at_ms)}, while you were drawing.
        You differ in {count} {count === 1 ? "place" : "places"}. Nothing is saved until you choose; either
        choice can be undone.
      </Notice>
    </div>
  );
}

function Compared() {
  const { comparison, compare, goTo } = useDesk();
  const { fitView } = useReactFlow();
  useEffect(() => {
    const soon = setTimeout(() => void fitView({ ...FIT, ...glide() }), 50);
    return () => clearTimeout(soon);
  }, [fitView]);
  const [listed, setListed] = useState(false);
  if (!comparison) return null;
  const sentences = diffSentences(comparison.before, comparison.after);
  return (
    <section aria-label={comparison.title} className="border-line border-b bg-brand-wash px-4 py-2.5">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-[0.8125rem]">
        <h2 className="font-semibold">{comparison.title}</h2>
        <span className="text-soft">
          {sentences.length === 0
            ? "Nothing callers could notice"
            : `${sentences.length} ${sentences.length === 1 ? "difference" : "differences"}`}
        </span>
        <ul aria-hidden="true" className="flex gap-3 text-soft text-xs">
          {LEGEND.map(({ word, look }) => (
            <li key={word} className="flex items-center gap-1.5">
              <span className={classes("size-2.5 rounded-full", look)} />
              {word}
            </li>
          ))}
        </ul>
        <span className="ml-auto flex gap-2">
          {sentences.length > 0 ? (
            <Button size="sm" aria-expanded={listed} onClick={() => setListed(!listed)}>
              {listed ? "Hide the list" : "List them"}
            </Button>
          ) : null}
          <Button size="sm" onClick={() => compare(null)}>
            Back to drawing
          </Button>
        </span>
      </div>
      {listed ? (
        <ul className="scroll-quiet mt-2 max-h-44 overflow-y-auto text-[0.8125rem]">
          {sentences.map((s) => (
            <li key={s.text}>
              <button
                type="button"
                className="w-full rounded-md px-2 py-1 text-left hover:bg-hover"
                onClick={() => s.id && goTo(s.id)}
              >
                {s.text}
              </button>
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  );
}

const LEGEND = [
  { word: "New", look: "bg-go-fill" },
  { word: "Changed", look: "bg-hold" },
  { word: "Removed", look: "bg-stop-fill" },
];
