/** A file in place of the draft: one step that can be undone. */
import { useState } from "react";
import { move } from "../../core/flow-edit";
import { positions } from "../../core/flow-layout";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Notice } from "../../ui/Notice";
import { useDesk } from "./Desk";
import { readFlow } from "./files";

export function ImportDialog() {
  const { sheet, setSheet, editor } = useDesk();
  const [why, setWhy] = useState<string | null>(null);
  const take = async (file: File | undefined) => {
    if (!file) return;
    const read = readFlow(await file.text());
    if ("why" in read) return setWhy(read.why);
    setWhy(null);
    editor.deeds.edit(`import ${file.name}`, () => move(read.flow, positions(read.flow)));
    setSheet(null);
  };
  return (
    <Dialog
      open={sheet === "import"}
      onClose={() => setSheet(null)}
      title="Import over this draft"
      about="A flow’s JSON takes the place of what is drawn. Undo brings it back."
    >
      <div className="flex flex-col gap-4">
        <input
          type="file"
          aria-label="File with a flow"
          accept="application/json,.json"
          onChange={(event) => void take(event.target.files?.[0])}
          className="w-full rounded-lg border border-edge border-dashed p-4 text-sm file:mr-3 file:rounded-md file:border-0 file:bg-brand file:px-3 file:py-1.5 file:text-on-brand"
        />
        {why ? <Notice tone="stop">{why}</Notice> : null}
        <div className="flex justify-end">
          <Button onClick={() => setSheet(null)}>Cancel</Button>
        </div>
      </div>
    </Dialog>
  );
}
