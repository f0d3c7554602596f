/** Everything about the selected node: what it is called, what it does, where it leads, what is wrong. */
import { type FlowNode, isTerminal, nodeOf } from "../../core/flow";
import { checkName } from "../../core/flow-check";
import { copy, paste } from "../../core/flow-clipboard";
import { bridgeOver, remove, removeAndBridge, setEntry, setNode } from "../../core/flow-edit";
import { kindHint, kindWord, titleOf } from "../../core/flow-words";
import { IconButton } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { Menu, MenuItem, MenuLine } from "../../ui/Menu";
import { faceOf } from "../flows/faces";
import { useDesk } from "./Desk";
import { ExitFields } from "./ExitFields";
import { TextField } from "./fields";
import { NodeFields } from "./NodeFields";
import { ProblemLine } from "./Problems";

export function SidePanel() {
  const { editor } = useDesk();
  const id = editor.selected.size === 1 ? [...editor.selected][0] : undefined;
  const node = id ? nodeOf(editor.flow, id) : undefined;
  return node ? <Panel key={node.id} node={node} /> : null;
}

function Panel({ node }: { node: FlowNode }) {
  const { editor, problems } = useDesk();
  const { deeds } = editor;
  const face = faceOf(node.kind);
  const into = editor.flow.exits.filter((e) => e.to === node.id);
  return (
    <section
      aria-label={`Properties of ${titleOf(node)}`}
      data-panel=""
      className="flex min-h-0 flex-1 flex-col"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        document.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(node.id)}"]`)?.focus();
        deeds.select([]);
      }}
    >
      <header className="flex items-center gap-3 px-4 pt-4 pb-3">
        <span className={classes("grid size-9 shrink-0 place-items-center rounded-lg", face.look)}>
          <Icon name={face.icon} size={19} />
        </span>
        <span className="min-w-0 flex-1">
          <h2 className="truncate font-semibold text-sm">{kindWord(node.kind)}</h2>
          <span className="block truncate text-faint text-xs">{kindHint(node.kind)}</span>
        </span>
        <NodeMenu node={node} />
        <IconButton icon="close" label="Close" size="sm" onClick={() => deeds.select([])} />
      </header>
      <div className="scroll-quiet flex min-h-0 flex-1 flex-col gap-5 overflow-y-auto px-4 pb-6">
        {(problems.get(node.id) ?? []).map((problem) => (
          <ProblemLine key={`${problem.code} ${problem.text}`} problem={problem} here />
        ))}
        <TextField
          label="Name"
          value={node.name}
          placeholder={kindWord(node.kind)}
          check={checkName}
          onPause={deeds.pause}
          onChange={(name) =>
            deeds.edit("rename", (flow) => setNode(flow, node.id, { name }), `name ${node.id}`)
          }
        />
        <NodeFields node={node} />
        <hr className="border-line" />
        <ExitFields node={node} />
        <p className="text-faint text-xs">
          {node.id === editor.flow.entry ? "Calls start here. " : ""}
          {into.length === 0
            ? node.id === editor.flow.entry
              ? ""
              : "Nothing leads here yet."
            : `${into.length} ${into.length === 1 ? "way leads" : "ways lead"} here.`}
        </p>
      </div>
    </section>
  );
}

function NodeMenu({ node }: { node: FlowNode }) {
  const { editor } = useDesk();
  const { deeds } = editor;
  const ids = new Set([node.id]);
  return (
    <Menu align="end" trigger={<IconButton icon="more" label="More for this node" size="sm" />}>
      {node.id !== editor.flow.entry && !isTerminal(node.kind) ? (
        <MenuItem icon="flag" onSelect={() => deeds.edit("start here", (flow) => setEntry(flow, node.id))}>
          Start calls here
        </MenuItem>
      ) : null}
      <MenuItem
        icon="copy"
        onSelect={() =>
          deeds.edit(`duplicate ${titleOf(node)}`, (flow) => {
            const pasted = paste(flow, copy(flow, ids));
            return pasted ? { flow: pasted.flow, select: pasted.ids } : flow;
          })
        }
      >
        Duplicate
      </MenuItem>
      <MenuLine />
      {bridgeOver(editor.flow, node.id) === undefined ? null : (
        <MenuItem
          icon="trash"
          hint="What led here leads on to where it led"
          onSelect={() =>
            deeds.edit(`remove ${titleOf(node)}, join what was around it`, (flow) =>
              removeAndBridge(flow, node.id),
            )
          }
        >
          Remove and join
        </MenuItem>
      )}
      <MenuItem
        icon="trash"
        onSelect={() => deeds.edit(`remove ${titleOf(node)}`, (flow) => remove(flow, ids))}
      >
        Remove
      </MenuItem>
    </Menu>
  );
}
