/** The ways out of a node and where each leads: connecting without a mouse. */
import { type Exit, type FlowNode, isTerminal, KINDS, type Kind } from "../../core/flow";
import { addNode, connect, disconnect, whyNot } from "../../core/flow-edit";
import { handlesOf, kindWord, titleOf } from "../../core/flow-words";
import { Select } from "../../ui/Select";
import { useDesk } from "./Desk";
import { spotAfter } from "./spots";

/** `compact` leaves the heading out, for the outline. */
export function ExitFields({ node, compact = false }: { node: FlowNode; compact?: boolean }) {
  const { editor, goTo } = useDesk();
  const { flow, deeds } = editor;
  if (isTerminal(node.kind))
    return compact ? null : <p className="text-faint text-xs">The flow ends here: no way leads on.</p>;
  const exits = new Map(flow.exits.filter((e) => e.from === node.id).map((e) => [e.on, e.to]));
  const choose = (exit: Omit<Exit, "to">, label: string, to: string) => {
    if (to.startsWith(NEW)) {
      const kind = to.slice(NEW.length) as Kind;
      deeds.edit(`add ${kindWord(kind)}`, (f) => {
        const added = addNode(f, kind, spotAfter(f, node.id, exit.on), exit);
        return { flow: added.flow, select: compact ? [node.id] : [added.id] };
      });
    } else if (to === "") deeds.edit(`disconnect ${label}`, (f) => disconnect(f, exit));
    else deeds.edit(`connect ${label}`, (f) => connect(f, { ...exit, to }));
  };
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5" data-exits="">
      <legend className={compact ? "sr-only" : "mb-2 font-medium text-soft text-xs"}>Leads to</legend>
      {handlesOf(node).map(({ on, label }) => {
        const to = exits.get(on) ?? "";
        const others = flow.nodes.filter((n) => whyNot(flow, { from: node.id, on, to: n.id }) === null);
        return (
          <div key={on} className="flex items-center gap-2">
            <span aria-hidden="true" className="w-24 shrink-0 truncate text-[0.8125rem] text-soft">
              {label}
            </span>
            <div className="min-w-0 flex-1">
              <Select
                wide
                label={label}
                value={to}
                any="Nowhere yet"
                choices={[
                  ...others.map((n) => ({ value: n.id, label: titleOf(n) })),
                  ...KINDS.map((kind) => ({ value: `${NEW}${kind}`, label: `New: ${kindWord(kind)}` })),
                ]}
                onChange={(next) => choose({ from: node.id, on }, label, next)}
              />
            </div>
            {to && !compact ? (
              <button
                type="button"
                aria-label={`Go to ${titleOf(flow.nodes.find((n) => n.id === to) ?? node)}`}
                onClick={() => goTo(to)}
                className="grid size-8 shrink-0 place-items-center rounded-md text-faint transition-colors hover:bg-hover hover:text-ink"
              >
                →
              </button>
            ) : null}
          </div>
        );
      })}
    </fieldset>
  );
}

const NEW = "new ";
