/** The properties of each kind of node. */
import type { FlowNode, NodeOf, Prompt } from "../../core/flow";
import { setNode } from "../../core/flow-edit";
import { fieldWord, titleOf } from "../../core/flow-words";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { useDesk } from "./Desk";
import { NumberField } from "./fields";
import { GatherFields } from "./GatherFields";
import { MenuFields } from "./MenuFields";
import { PromptFields } from "./PromptFields";
import { RequestFields } from "./RequestFields";
import { TimingFields } from "./TimingFields";

export function NodeFields({ node }: { node: FlowNode }) {
  const { editor } = useDesk();
  const set = (patch: Readonly<Record<string, unknown>>, key?: string) => {
    const what = fieldWord(Object.keys(patch)[0] ?? "");
    editor.deeds.edit(`change ${what}`, (flow) => setNode(flow, node.id, patch), key && `${key} ${node.id}`);
  };
  const prompt = (value: Prompt, key?: string) => set({ prompt: value }, key);
  switch (node.kind) {
    case "greeting":
      return (
        <>
          <PromptFields name={titleOf(node)} prompt={node.prompt} onChange={prompt} />
          <Switch
            label="A key skips it"
            hint="The key is kept for the next node that listens."
            on={node.interruptible}
            onChange={(interruptible) => set({ interruptible })}
          />
        </>
      );
    case "menu":
      return (
        <>
          <PromptFields name={titleOf(node)} prompt={node.prompt} onChange={prompt} />
          <MenuFields node={node} />
          <Patience node={node} set={set} />
        </>
      );
    case "gather":
      return (
        <>
          <PromptFields name={titleOf(node)} prompt={node.prompt} onChange={prompt} />
          <GatherFields node={node} onChange={set} />
          <Patience node={node} set={set} />
        </>
      );
    case "http_callback":
      return <RequestFields node={node} onChange={set} />;
    case "timing":
      return <TimingFields node={node} onChange={set} />;
    case "transfer":
      return <TeamField node={node} set={set} />;
    case "goto_flow":
      return <FlowField node={node} set={set} />;
    case "hangup":
      return (
        <PromptFields name={titleOf(node)} title="Goodbye" prompt={node.prompt ?? {}} onChange={prompt} />
      );
  }
}

type SetProps = (patch: Readonly<Record<string, unknown>>, key?: string) => void;

function Patience({ node, set }: { node: NodeOf<"menu"> | NodeOf<"gather">; set: SetProps }) {
  const { editor } = useDesk();
  return (
    <div className="grid grid-cols-2 gap-3">
      <NumberField
        label="Silence"
        unit="s"
        value={node.timeout_secs}
        from={1}
        to={120}
        onPause={editor.deeds.pause}
        onChange={(timeout_secs) => set({ timeout_secs }, "timeout")}
      />
      <NumberField
        label="Retries"
        value={node.max_retries}
        from={0}
        to={20}
        onPause={editor.deeds.pause}
        onChange={(max_retries) => set({ max_retries }, "retries")}
      />
    </div>
  );
}

function TeamField({ node, set }: { node: NodeOf<"transfer">; set: SetProps }) {
  const { teams } = useDesk();
  const known = teams.map((t) => ({ value: t.id, label: t.name }));
  const gone = node.team !== "" && !known.some((t) => t.value === node.team);
  return (
    <div className="flex flex-col gap-1.5">
      <span aria-hidden="true" className="font-medium text-soft text-xs">
        Team
      </span>
      <Select
        wide
        label="Team"
        value={node.team}
        any="Choose a team"
        error={gone}
        choices={gone ? [...known, { value: node.team, label: node.team }] : known}
        onChange={(team) => set({ team })}
      />
      <p className="text-faint text-xs">
        The caller hears the hold music at once and keeps the place in the queue.
      </p>
    </div>
  );
}

function FlowField({ node, set }: { node: NodeOf<"goto_flow">; set: SetProps }) {
  const { flows } = useDesk();
  const known = flows.map((f) => ({ value: f.id, label: f.name }));
  const gone = node.flow !== "" && !known.some((f) => f.value === node.flow);
  return (
    <div className="flex flex-col gap-1.5">
      <span aria-hidden="true" className="font-medium text-soft text-xs">
        Flow
      </span>
      <Select
        wide
        label="Flow"
        value={node.flow}
        any="Choose a flow"
        error={gone}
        choices={gone ? [...known, { value: node.flow, label: node.flow }] : known}
        onChange={(flow) => set({ flow })}
      />
      <p className="text-faint text-xs">As it is published when the caller gets there. Variables go along.</p>
    </div>
  );
}
