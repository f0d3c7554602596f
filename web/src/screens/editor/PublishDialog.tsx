/** From the draft to the line: what changes, why, and what still stands in the way. */
import { useState } from "react";
import { usePublish } from "../../api/flows";
import { Refusal } from "../../api/request";
import type { Flow } from "../../core/flow";
import { diffSentences } from "../../core/flow-diff";
import { sentence } from "../../core/sentence";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Notice } from "../../ui/Notice";
import { TextArea } from "../../ui/TextArea";
import { useDesk } from "./Desk";
import { ProblemLine } from "./Problems";

export function PublishDialog({ before }: { before: { version: number; flow: Flow } | null }) {
  const { sheet, setSheet } = useDesk();
  return (
    <Dialog
      open={sheet === "publish"}
      onClose={() => setSheet(null)}
      title="Publish"
      about={
        before
          ? `New calls get this version. Calls in progress stay on v${before.version}.`
          : "Numbers can start here from then on."
      }
    >
      <Form before={before} />
    </Dialog>
  );
}

function Form({ before }: { before: { version: number; flow: Flow } | null }) {
  const { id, editor, autosave, setSheet } = useDesk();
  const publish = usePublish(id);
  const [note, setNote] = useState("");
  const [saving, setSaving] = useState(false);
  const [unsaved, setUnsaved] = useState(false);
  const errors = autosave.problems.filter((p) => p.severity === "error");
  const warnings = autosave.problems.length - errors.length;
  const changes = before ? diffSentences(before.flow, editor.flow) : [];
  const go = async () => {
    setSaving(true);
    const saved = await autosave.saveNow();
    setSaving(false);
    setUnsaved(!saved);
    if (!saved) return;
    publish.mutate(
      { revision: autosave.revisionNow(), note },
      {
        onSuccess: (made) => {
          editor.deeds.say(`Published as version ${made.version}`);
          setSheet(null);
        },
      },
    );
  };
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void go();
      }}
    >
      {errors.length > 0 ? (
        <div className="flex flex-col gap-2">
          <p className="text-sm">
            {errors.length === 1 ? "One error stands" : `${errors.length} errors stand`} in the way:
          </p>
          {errors.slice(0, SHOWN_MAX).map((problem) => (
            <ProblemLine key={`${problem.node} ${problem.code} ${problem.text}`} problem={problem} />
          ))}
        </div>
      ) : null}
      {changes.length > 0 ? (
        <div>
          <h3 className="mb-1.5 font-medium text-soft text-xs">Since v{before?.version}</h3>
          <ul className="scroll-quiet max-h-40 list-disc overflow-y-auto pl-5 text-[0.8125rem] text-soft leading-6">
            {changes.map((change) => (
              <li key={change.text}>{change.text}</li>
            ))}
          </ul>
        </div>
      ) : null}
      <TextArea
        label="Note"
        placeholder="What changes for callers, and why"
        maxLength={2000}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
      {warnings > 0 && errors.length === 0 ? (
        <p className="text-hold-ink text-xs">
          {warnings === 1 ? "One warning is left; it does" : `${warnings} warnings are left; they do`} not
          stop you.
        </p>
      ) : null}
      {unsaved ? <Notice tone="stop">The draft could not be saved, so it was not published.</Notice> : null}
      {publish.isError ? (
        <Notice tone="stop">
          {publish.error instanceof Refusal && publish.error.code === "moved"
            ? "Somebody else has changed the draft meanwhile. Look at it again before publishing."
            : sentence(publish.error.message)}
        </Notice>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button onClick={() => setSheet(null)}>Cancel</Button>
        <Button type="submit" tone="brand" busy={saving || publish.isPending} disabled={errors.length > 0}>
          {before ? `Publish v${before.version + 1}` : "Publish"}
        </Button>
      </div>
    </form>
  );
}

const SHOWN_MAX = 4;
