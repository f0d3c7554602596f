/** A note on the canvas: for those who draw, never for callers. */
import type { Node, NodeProps } from "@xyflow/react";
import { memo } from "react";
import type { Note } from "../../core/flow";
import { setNote } from "../../core/flow-edit";
import { classes } from "../../ui/classes";
import { useDesk } from "./Desk";

export type NoteThing = Node<{ note: Note }, "note">;

export const NoteBox = memo(function NoteBox({ data, selected }: NodeProps<NoteThing>) {
  const { note } = data;
  const { editor, comparison } = useDesk();
  return (
    <div
      className={classes(
        "w-56 rounded-lg border bg-hold-wash p-1 shadow-card",
        selected ? "border-brand ring-2 ring-brand" : "border-transparent",
      )}
    >
      <textarea
        aria-label="Note"
        readOnly={comparison !== null}
        value={note.text}
        placeholder="A note for those who draw here"
        onFocus={() => editor.deeds.select([note.id])}
        onBlur={() => editor.deeds.pause()}
        onChange={(event) => {
          const text = event.target.value;
          editor.deeds.edit("write a note", (flow) => setNote(flow, note.id, { text }), `note ${note.id}`);
        }}
        className="nowheel field-sizing-content block min-h-14 w-full resize-none rounded-md bg-transparent px-2 py-1.5 text-hold-ink text-xs leading-5 placeholder:text-hold-ink"
      />
    </div>
  );
});
