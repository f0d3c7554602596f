/** The eight nodes: drag one onto the canvas, or press it to add it after what is selected. */
import { KINDS } from "../../core/flow";
import { kindHint, kindWord } from "../../core/flow-words";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { Tip } from "../../ui/Tip";
import { faceOf } from "../flows/faces";
import { useDesk } from "./Desk";

export function Palette() {
  const { add, addNote } = useDesk();
  return (
    <div
      role="toolbar"
      aria-label="Nodes"
      aria-orientation="vertical"
      className="flex flex-col gap-0.5 rounded-xl border border-line bg-raised p-1.5 shadow-raised"
    >
      {KINDS.map((kind) => {
        const face = faceOf(kind);
        return (
          <Tip key={kind} text={kindHint(kind)} side="right">
            <button
              type="button"
              aria-label={`Add ${kindWord(kind)}`}
              draggable
              onDragStart={(event) => {
                event.dataTransfer.setData(KIND_MIME, kind);
                event.dataTransfer.effectAllowed = "copy";
              }}
              onClick={() => add(kind)}
              className="flex h-9 cursor-grab items-center gap-2.5 rounded-lg pr-3 pl-1 text-[0.8125rem] text-soft transition-colors hover:bg-hover hover:text-ink active:cursor-grabbing"
            >
              <span className={classes("grid size-7 place-items-center rounded-md", face.look)}>
                <Icon name={face.icon} size={16} />
              </span>
              <span className="max-xl:sr-only">{kindWord(kind)}</span>
            </button>
          </Tip>
        );
      })}
      <span aria-hidden="true" className="mx-1 my-1 h-px bg-line" />
      <Tip text="Words for those who draw" side="right">
        <button
          type="button"
          aria-label="Add Note"
          onClick={addNote}
          className="flex h-9 items-center gap-2.5 rounded-lg pr-3 pl-1 text-[0.8125rem] text-soft transition-colors hover:bg-hover hover:text-ink"
        >
          <span className="grid size-7 place-items-center rounded-md bg-hold-wash text-hold-ink">
            <Icon name="sticky" size={16} />
          </span>
          <span className="max-xl:sr-only">Note</span>
        </button>
      </Tip>
    </div>
  );
}

export const KIND_MIME = "application/x-patchbay-kind";
