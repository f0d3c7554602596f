/** The eight nodes: drag one onto the canvas, or press it to add it after what is selected. */
import { MiniMap } from "@xyflow/react";
import { KINDS } from "../../core/flow";
import { kindHint, kindWord } from "../../core/flow-words";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { Tip } from "../../ui/Tip";
import { faceOf } from "../flows/faces";
import { useDesk } from "./Desk";

export function Palette() {
  const { add, addNote, asOutline } = useDesk();
  return (
    <div
      role="toolbar"
      aria-label="Nodes"
      aria-orientation="vertical"
      className="scroll-quiet flex shrink-0 flex-col gap-0.5 overflow-y-auto border-line border-r bg-page p-2 max-sm:hidden"
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
              className="flex h-9 shrink-0 cursor-grab items-center gap-2.5 rounded-lg pr-3 pl-1 text-[0.8125rem] text-soft transition-colors hover:bg-hover hover:text-ink active:cursor-grabbing"
            >
              <span className={classes("grid size-7 place-items-center rounded-md", face.look)}>
                <Icon name={face.icon} size={16} />
              </span>
              <span className="max-xl:sr-only">{kindWord(kind)}</span>
            </button>
          </Tip>
        );
      })}
      {addNote ? <AddNote onClick={addNote} /> : null}
      {asOutline ? null : <Overview />}
    </div>
  );
}

/** The whole drawing in small: drag in it to move the view. */
function Overview() {
  return (
    <MiniMap
      pannable
      zoomable
      ariaLabel="Overview of the flow"
      className="flow-overview max-xl:hidden"
      style={OVERVIEW}
      nodeColor="var(--color-edge)"
      nodeStrokeWidth={0}
      nodeBorderRadius={18}
      maskColor="color-mix(in oklab, var(--color-well) 72%, transparent)"
      bgColor="var(--color-card)"
    />
  );
}

function AddNote({ onClick }: { onClick: () => void }) {
  return (
    <>
      <span aria-hidden="true" className="mx-1 my-1 h-px shrink-0 bg-line" />
      <Tip text="Words for those who draw" side="right">
        <button
          type="button"
          aria-label="Add Note"
          onClick={onClick}
          className="flex h-9 shrink-0 items-center gap-2.5 rounded-lg pr-3 pl-1 text-[0.8125rem] text-soft transition-colors hover:bg-hover hover:text-ink"
        >
          <span className="grid size-7 place-items-center rounded-md bg-hold-wash text-hold-ink">
            <Icon name="sticky" size={16} />
          </span>
          <span className="max-xl:sr-only">Note</span>
        </button>
      </Tip>
    </>
  );
}

const OVERVIEW = { width: 140, height: 100 };

export const KIND_MIME = "application/x-patchbay-kind";
