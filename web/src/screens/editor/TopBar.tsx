/** Over the canvas: which flow, how it stands, and what one can do with the whole of it. */
import { Link } from "wouter";
import { draftWords } from "../../core/draft";
import { setName } from "../../core/flow-edit";
import { prettyNumber } from "../../core/phone-number";
import { Badge } from "../../ui/Badge";
import { Button, IconButton } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { Menu, MenuItem, MenuLine } from "../../ui/Menu";
import { useDesk } from "./Desk";
import { download } from "./files";
import { SearchBox } from "./SearchBox";

export function TopBar({
  published,
  onProblems,
  onFind,
}: {
  /** How many differences there are to the published version; null: never published. */
  published: { version: number; changes: number } | null;
  onProblems: () => void;
  onFind: (node: HTMLInputElement | null) => void;
}) {
  const desk = useDesk();
  const { editor, autosave, setSheet, setTrying, trying } = desk;
  const { deeds } = editor;
  return (
    <header className="flex flex-wrap items-center gap-x-2 gap-y-1.5 border-line border-b bg-page px-3 py-2">
      <Link
        href="/flows"
        aria-label="All flows"
        className="grid size-9 place-items-center rounded-lg text-soft transition-colors hover:bg-hover hover:text-ink"
      >
        <Icon name="back" size={18} />
      </Link>
      <div className="mr-auto flex min-w-0 flex-col">
        <h1 className="sr-only">Flow {editor.flow.name}</h1>
        <input
          aria-label="Name of the flow"
          value={editor.flow.name}
          placeholder="Name of the flow"
          onChange={(event) => {
            const name = event.target.value;
            deeds.edit("rename the flow", (flow) => setName(flow, name), "flow name");
          }}
          onBlur={() => deeds.pause()}
          className="field-sizing-content min-w-24 max-w-72 truncate rounded-md px-1.5 py-0.5 font-semibold text-[0.9375rem] tracking-[-0.01em] hover:bg-hover focus-visible:bg-raised"
        />
        <Standing published={published} />
      </div>
      <div className="max-md:hidden">
        <SearchBox onReady={onFind} />
      </div>
      <div role="toolbar" aria-label="Edit" className="flex items-center">
        <IconButton
          icon="undo"
          label={editor.undoLabel ? `Undo ${editor.undoLabel}` : "Undo"}
          size="sm"
          disabled={editor.undoLabel === null}
          onClick={deeds.undo}
        />
        <IconButton
          icon="redo"
          label={editor.redoLabel ? `Redo ${editor.redoLabel}` : "Redo"}
          size="sm"
          disabled={editor.redoLabel === null}
          onClick={deeds.redo}
        />
        <IconButton
          icon="outline"
          label={desk.asOutline ? "Show the drawing" : "Show the outline"}
          tone={desk.asOutline ? "plain" : "quiet"}
          aria-pressed={desk.asOutline}
          size="sm"
          onClick={() => desk.setAsOutline(!desk.asOutline)}
        />
        <Menu align="end" trigger={<IconButton icon="more" label="More" size="sm" />}>
          <MenuItem icon="history" onSelect={() => setSheet("versions")}>
            Versions
          </MenuItem>
          <MenuItem icon="download" onSelect={() => download(editor.flow)}>
            Export
          </MenuItem>
          <MenuItem icon="upload" onSelect={() => setSheet("import")}>
            Import over this draft
          </MenuItem>
          <MenuLine />
          <MenuItem icon="help" onSelect={() => setSheet("keys")}>
            Keyboard shortcuts
          </MenuItem>
        </Menu>
      </div>
      <ProblemButton onClick={onProblems} />
      <Button size="sm" icon="play" aria-label="Try" aria-pressed={trying} onClick={() => setTrying(!trying)}>
        <span className="max-sm:hidden">Try</span>
      </Button>
      <Button
        size="sm"
        tone="brand"
        disabled={desk.comparison !== null || autosave.draft.trouble?.kind === "moved"}
        onClick={() => setSheet("publish")}
      >
        Publish
      </Button>
    </header>
  );
}

function Standing({ published }: { published: { version: number; changes: number } | null }) {
  const { editor, autosave, opened } = useDesk();
  const words = draftWords(autosave.draft, editor.flow);
  return (
    <span className="flex flex-wrap items-center gap-x-1.5 px-1.5 text-faint text-xs">
      <span role="status" className={classes(autosave.draft.trouble !== null && "font-medium text-stop-ink")}>
        {words}
      </span>
      <span aria-hidden="true">·</span>
      <span>
        {published === null
          ? "never published"
          : published.changes === 0
            ? `same as v${published.version}`
            : `${published.changes} ${published.changes === 1 ? "change" : "changes"} since v${published.version}`}
      </span>
      {opened.numbers.map((number) => (
        <span key={number} className="tabular-nums max-xl:hidden">
          · {prettyNumber(number)} starts here
        </span>
      ))}
    </span>
  );
}

function ProblemButton({ onClick }: { onClick: () => void }) {
  const { autosave } = useDesk();
  const errors = autosave.problems.filter((p) => p.severity === "error").length;
  const warnings = autosave.problems.length - errors;
  const words =
    errors + warnings === 0
      ? "No problems"
      : [
          errors && `${errors} ${errors === 1 ? "error" : "errors"}`,
          warnings && `${warnings} ${warnings === 1 ? "warning" : "warnings"}`,
        ]
          .filter(Boolean)
          .join(", ");
  return (
    <button
      type="button"
      onClick={onClick}
      className="rounded-full transition-[filter] hover:brightness-95 dark:hover:brightness-110"
    >
      <Badge tone={errors > 0 ? "stop" : warnings > 0 ? "hold" : "go"}>
        <span className="max-sm:sr-only">{words}</span>
        <span aria-hidden="true" className="sm:hidden">
          {errors + warnings}
        </span>
      </Badge>
    </button>
  );
}
