/** Finds a node by any word in it and goes there. */
import { type KeyboardEvent, useMemo, useState } from "react";
import { diffFlows } from "../../core/flow-diff";
import { outline } from "../../core/flow-outline";
import { find } from "../../core/flow-search";
import { classes } from "../../ui/classes";
import { Field } from "../../ui/Field";
import { useDesk } from "./Desk";

export function SearchBox({ onReady }: { onReady: (node: HTMLInputElement | null) => void }) {
  const { editor, problems, published, goTo } = useDesk();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  const found = useMemo(() => {
    if (typed.trim() === "") return [];
    const unreachable = outline(editor.flow).flatMap((r) => (r.reached ? [] : [r.node.id]));
    const about = {
      invalid: new Set(problems.keys()),
      unreachable: new Set(unreachable),
      changed: new Set(published ? diffFlows(published.flow, editor.flow).nodes.keys() : []),
    };
    return find(editor.flow, typed, about).slice(0, SHOWN_MAX);
  }, [editor.flow, typed, problems, published]);
  const chosen = found[Math.min(at, found.length - 1)];
  const take = (id: string) => {
    setOpen(false);
    goTo(id);
  };
  const press = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by !== 0 && found.length > 0) {
      event.preventDefault();
      setAt((Math.min(at, found.length - 1) + by + found.length) % found.length);
    }
    if (event.key === "Enter" && chosen) take(chosen.id);
    if (event.key === "Escape") setOpen(false);
  };
  const shown = open && typed.trim() !== "";
  return (
    <div className="relative w-52">
      <Field
        small
        bare
        ref={onReady}
        label="Find in this flow"
        placeholder="Find"
        icon="search"
        autoComplete="off"
        role="combobox"
        aria-expanded={shown}
        aria-controls="found"
        aria-activedescendant={shown && chosen ? `found-${chosen.id}` : undefined}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={press}
      />
      <div
        id="found"
        role="listbox"
        aria-label="Found"
        hidden={!shown}
        className="absolute top-11 right-0 z-40 max-h-80 w-72 overflow-y-auto rounded-xl border border-line bg-raised p-1 shadow-float"
      >
        {found.map((f) => (
          <div
            key={f.id}
            id={`found-${f.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={f === chosen}
            onPointerDown={(event) => {
              event.preventDefault();
              take(f.id);
            }}
            className={classes(
              "cursor-pointer rounded-lg px-2.5 py-2 text-[0.8125rem]",
              f === chosen ? "bg-hover" : "hover:bg-hover",
            )}
          >
            <span className="block truncate font-medium">{f.title}</span>
            <span className="block truncate text-faint text-xs">{f.where}</span>
          </div>
        ))}
        {found.length === 0 ? (
          <p className="px-2.5 py-2 text-soft text-xs">
            Nothing found. Try a word of a prompt, a key, or is:invalid.
          </p>
        ) : null}
      </div>
    </div>
  );
}

const SHOWN_MAX = 30;
