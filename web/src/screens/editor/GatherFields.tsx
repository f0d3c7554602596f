/** How many digits, what ends them, and where they go. */
import { KEYS, type NodeOf } from "../../core/flow";
import { checkVariable } from "../../core/flow-check";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { useDesk } from "./Desk";
import { NumberField, TextField } from "./fields";

export function GatherFields({
  node,
  onChange,
}: {
  node: NodeOf<"gather">;
  onChange: (patch: Partial<NodeOf<"gather">>, key?: string) => void;
}) {
  const { editor } = useDesk();
  const pause = () => editor.deeds.pause();
  return (
    <>
      <TextField
        label="Store the digits as"
        value={node.store_as}
        placeholder="account"
        check={(name) => checkVariable(name, true)}
        hint={`Later {{${node.store_as || "account"}}} in a web request.`}
        onPause={pause}
        onChange={(store_as) => onChange({ store_as }, "store")}
      />
      <div className="grid grid-cols-2 gap-3">
        <NumberField
          label="Most digits"
          value={node.max_digits}
          from={1}
          to={64}
          onPause={pause}
          onChange={(max_digits) => onChange({ max_digits }, "digits")}
        />
        <div className="flex flex-col gap-1.5">
          <span aria-hidden="true" className="font-medium text-soft text-xs">
            End key
          </span>
          <Select
            wide
            label="End key"
            value={node.terminator ?? ""}
            any="None"
            choices={KEYS.map((k) => ({ value: k, label: k }))}
            onChange={(key) => onChange({ terminator: key || null })}
          />
        </div>
      </div>
      <Switch
        label="Sensitive"
        hint="Masked in logs, in the call’s path and everywhere else."
        on={node.sensitive}
        onChange={(sensitive) => onChange({ sensitive })}
      />
    </>
  );
}
