/** The flow as a list that can do all the drawing can: for screen readers, for keys, for small windows. */
import { useMemo } from "react";
import { isTerminal } from "../../core/flow";
import { freeExit, remove, setEntry } from "../../core/flow-edit";
import { type OutlineRow, outline } from "../../core/flow-outline";
import { kindWord, spoken, summary } from "../../core/flow-words";
import { Button, IconButton } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { EmptyState } from "../../ui/states";
import { faceOf } from "../flows/faces";
import { useDesk } from "./Desk";
import { ExitFields } from "./ExitFields";

export function OutlineView() {
  const { editor, setInsert } = useDesk();
  const rows = useMemo(() => outline(editor.flow), [editor.flow]);
  if (rows.length === 0)
    return (
      <EmptyState
        icon="flows"
        title="Nothing drawn yet"
        action={
          <Button tone="brand" icon="plus" onClick={() => setInsert({})}>
            Add the first node
          </Button>
        }
      >
        The first node is where calls start.
      </EmptyState>
    );
  return (
    <div className="scroll-quiet absolute inset-0 overflow-y-auto">
      <ol aria-label="Outline of the flow" className="mx-auto flex max-w-3xl flex-col gap-2 p-4 pb-24">
        {rows.map((row) => (
          <Row key={row.node.id} row={row} />
        ))}
      </ol>
    </div>
  );
}

function Row({ row }: { row: OutlineRow }) {
  const { editor, problems, goTo, setInsert } = useDesk();
  const { node } = row;
  const { deeds } = editor;
  const face = faceOf(node.kind);
  const found = problems.get(node.id) ?? [];
  const selected = editor.selected.has(node.id);
  return (
    <li
      id={`row-${node.id}`}
      className={classes(
        "rounded-xl border bg-card p-3.5 shadow-card",
        selected ? "border-brand ring-1 ring-brand" : "border-line",
      )}
      style={{ marginInlineStart: `min(${row.depth * 1.25}rem, 18%)` }}
    >
      <div className="flex items-start gap-3">
        <span className={classes("grid size-9 shrink-0 place-items-center rounded-lg", face.look)}>
          <Icon name={face.icon} size={18} />
        </span>
        <div className="min-w-0 flex-1">
          <h2 className="font-medium text-sm">
            <button
              type="button"
              data-row={node.id}
              className="rounded text-left hover:underline"
              aria-label={`Edit ${row.title}`}
              onClick={() => goTo(node.id, "panel")}
            >
              {row.title}
            </button>{" "}
            <span className="font-normal text-faint">· {kindWord(node.kind)}</span>
          </h2>
          <p className="mt-0.5 truncate text-soft text-xs">{summary(node)}</p>
          {spoken(node) ? (
            <p className="mt-1 line-clamp-2 text-faint text-xs italic">{spoken(node)}</p>
          ) : null}
          <p className="mt-1 text-faint text-xs">
            {row.entry
              ? "Calls start here."
              : row.reached
                ? `From ${row.from.join("; ")}`
                : "No caller comes here."}
          </p>
          {found.length > 0 ? (
            <p className="mt-1 font-medium text-stop-ink text-xs">
              {found.length} {found.length === 1 ? "problem" : "problems"}: {found[0]?.text}
            </p>
          ) : null}
        </div>
        <span className="flex shrink-0">
          {row.entry || isTerminal(node.kind) ? null : (
            <IconButton
              icon="flag"
              label={`Start calls at ${row.title}`}
              size="sm"
              onClick={() => deeds.edit("start here", (flow) => setEntry(flow, node.id))}
            />
          )}
          {isTerminal(node.kind) ? null : (
            <IconButton
              icon="plus"
              label={`Add a node after ${row.title}`}
              size="sm"
              onClick={() => {
                const from = freeExit(editor.flow, node.id);
                setInsert(from ? { from } : {});
              }}
            />
          )}
          <IconButton
            icon="trash"
            label={`Remove ${row.title}`}
            size="sm"
            onClick={() => deeds.edit(`remove ${row.title}`, (flow) => remove(flow, new Set([node.id])))}
          />
        </span>
      </div>
      <div className="mt-3 empty:hidden sm:ml-12">
        <ExitFields node={node} compact />
      </div>
    </li>
  );
}
