/** The palette at the cursor: type a few letters, Enter adds. */
import { type KeyboardEvent, useState } from "react";
import { KINDS } from "../../core/flow";
import { kindHint, kindWord } from "../../core/flow-words";
import { classes } from "../../ui/classes";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { faceOf } from "../flows/faces";
import { useDesk } from "./Desk";

export function InsertDialog() {
  const { insert, setInsert } = useDesk();
  return (
    <Dialog open={insert !== null} onClose={() => setInsert(null)} title="Add a node">
      <Choices />
    </Dialog>
  );
}

function Choices() {
  const { insert, setInsert, add } = useDesk();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const found = KINDS.filter((kind) =>
    `${kindWord(kind)} ${kindHint(kind)}`.toLocaleLowerCase().includes(typed.trim().toLocaleLowerCase()),
  );
  const chosen = found[Math.min(at, found.length - 1)];
  const take = (kind: (typeof KINDS)[number]) => {
    setInsert(null);
    add(kind, insert ?? undefined);
  };
  const press = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by !== 0) {
      event.preventDefault();
      setAt((Math.min(at, found.length - 1) + by + found.length) % Math.max(1, found.length));
    }
    if (event.key === "Enter" && chosen) {
      event.preventDefault();
      take(chosen);
    }
  };
  return (
    <>
      <Field
        label="Which"
        bare
        icon="search"
        placeholder="Menu, hang up, opening hours …"
        data-focus=""
        autoComplete="off"
        role="combobox"
        aria-expanded="true"
        aria-controls="insert-kinds"
        aria-activedescendant={chosen ? `insert-${chosen}` : undefined}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <div id="insert-kinds" role="listbox" aria-label="Nodes" className="mt-2 flex flex-col">
        {found.map((kind) => {
          const face = faceOf(kind);
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the combobox's
            <div
              key={kind}
              id={`insert-${kind}`}
              role="option"
              tabIndex={-1}
              aria-selected={kind === chosen}
              onClick={() => take(kind)}
              className={classes(
                "flex cursor-pointer items-center gap-3 rounded-lg px-2 py-2 text-sm",
                kind === chosen ? "bg-hover" : "hover:bg-hover",
              )}
            >
              <span className={classes("grid size-8 shrink-0 place-items-center rounded-lg", face.look)}>
                <Icon name={face.icon} size={17} />
              </span>
              <span>
                {kindWord(kind)}
                <span className="block text-faint text-xs">{kindHint(kind)}</span>
              </span>
            </div>
          );
        })}
        {found.length === 0 ? <p className="px-2 py-4 text-soft text-sm">No node is called that.</p> : null}
      </div>
    </>
  );
}
