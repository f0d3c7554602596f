/** The keys a menu offers, each with what it stands for. */
import { KEYS, type NodeOf } from "../../core/flow";
import { addOption, removeOption, setOption } from "../../core/flow-edit";
import { Button, IconButton } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Select } from "../../ui/Select";
import { useDesk } from "./Desk";

export function MenuFields({ node }: { node: NodeOf<"menu"> }) {
  const { editor } = useDesk();
  const { deeds } = editor;
  const taken = new Set(node.options.map((o) => o.digit));
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="mb-2 font-medium text-soft text-xs">Keys</legend>
      {node.options.map((option, at) => (
        <div key={option.digit} className="flex items-center gap-1.5">
          <div className="w-15 shrink-0">
            <Select
              wide
              label={`Key of option ${at + 1}`}
              value={option.digit}
              choices={KEYS.filter((k) => k === option.digit || !taken.has(k)).map((k) => ({
                value: k,
                label: k,
              }))}
              onChange={(digit) =>
                deeds.edit(`change key ${option.digit} to ${digit}`, (flow) =>
                  setOption(flow, node.id, at, { digit }),
                )
              }
            />
          </div>
          <div className="min-w-0 flex-1">
            <Field
              small
              bare
              label={`What key ${option.digit} stands for`}
              placeholder="Sales"
              autoComplete="off"
              value={option.label}
              onBlur={() => deeds.pause()}
              onChange={(event) => {
                const label = event.target.value;
                deeds.edit(
                  `name key ${option.digit}`,
                  (flow) => setOption(flow, node.id, at, { label }),
                  `label ${node.id} ${option.digit}`,
                );
              }}
            />
          </div>
          <IconButton
            icon="trash"
            label={`Remove key ${option.digit}`}
            size="sm"
            onClick={() =>
              deeds.edit(`remove key ${option.digit}`, (flow) => removeOption(flow, node.id, at))
            }
          />
        </div>
      ))}
      {node.options.length < KEYS.length ? (
        <div>
          <Button
            size="sm"
            icon="plus"
            onClick={() => deeds.edit("add a key", (flow) => addOption(flow, node.id))}
          >
            Add a key
          </Button>
        </div>
      ) : null}
    </fieldset>
  );
}
