/** A web request: where, how, with what, and where the answer goes. */
import type { Header, NodeOf } from "../../core/flow";
import { checkBody, checkHeaderName, checkHeaderValue, checkUrl, checkVariable } from "../../core/flow-check";
import { Button, IconButton } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { TextArea } from "../../ui/TextArea";
import { useDesk } from "./Desk";
import { NumberField, TextField } from "./fields";

export function RequestFields({
  node,
  onChange,
}: {
  node: NodeOf<"http_callback">;
  onChange: (patch: Partial<NodeOf<"http_callback">>, key?: string) => void;
}) {
  const { editor } = useDesk();
  const pause = () => editor.deeds.pause();
  const setHeader = (at: number, patch: Partial<Header>, key: string) =>
    onChange({ headers: node.headers.map((h, n) => (n === at ? { ...h, ...patch } : h)) }, key);
  const verdict = checkBody(node.body);
  const stored = node.store_response_as || "customer";
  return (
    <>
      <TextField
        label="Address"
        value={node.url}
        placeholder="https://crm.example.com/callers/{{caller_phone}}"
        check={checkUrl}
        onPause={pause}
        onChange={(url) => onChange({ url }, "url")}
      />
      <div className="grid grid-cols-2 gap-3">
        <div className="flex flex-col gap-1.5">
          <span aria-hidden="true" className="font-medium text-soft text-xs">
            Method
          </span>
          <Select
            wide
            label="Method"
            value={node.method}
            choices={METHODS}
            onChange={(method) => onChange({ method: method === "POST" ? "POST" : "GET" })}
          />
        </div>
        <NumberField
          label="Wait at most"
          unit="s"
          value={node.timeout_secs}
          from={1}
          to={30}
          onPause={pause}
          onChange={(timeout_secs) => onChange({ timeout_secs }, "timeout")}
        />
      </div>
      <fieldset className="flex min-w-0 flex-col gap-2">
        <legend className="mb-2 font-medium text-soft text-xs">Headers</legend>
        {node.headers.map((header, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: headers have no other name than their place
          <div key={at} className="flex items-start gap-1.5">
            <div className="w-2/5">
              <TextField
                bare
                label={`Name of header ${at + 1}`}
                placeholder="Name"
                value={header.name}
                check={checkHeaderName}
                onPause={pause}
                onChange={(name) => setHeader(at, { name }, `header ${at}`)}
              />
            </div>
            <div className="min-w-0 flex-1">
              <TextField
                bare
                label={`Value of header ${at + 1}`}
                placeholder="Value"
                value={header.value}
                check={checkHeaderValue}
                onPause={pause}
                onChange={(value) => setHeader(at, { value }, `value ${at}`)}
              />
            </div>
            <IconButton
              icon="trash"
              size="sm"
              label={`Remove header ${at + 1}`}
              onClick={() => onChange({ headers: node.headers.filter((_, n) => n !== at) })}
            />
          </div>
        ))}
        <div>
          <Button
            size="sm"
            icon="plus"
            disabled={node.headers.length >= HEADERS_MAX}
            onClick={() => onChange({ headers: [...node.headers, { name: "", value: "" }] })}
          >
            Add a header
          </Button>
        </div>
      </fieldset>
      {node.method === "POST" || node.body ? (
        <TextArea
          mono
          label="Body"
          placeholder={'{"caller": "{{caller_phone}}"}'}
          value={node.body}
          error={verdict ?? undefined}
          hint="Variables stand inside quotes: the shape of JSON never changes."
          onBlur={pause}
          onChange={(event) => onChange({ body: event.target.value }, "body")}
        />
      ) : null}
      <TextField
        label="Store the answer as"
        value={node.store_response_as}
        placeholder="customer"
        check={(name) => checkVariable(name, false)}
        hint={`Later {{${stored}}}, or {{${stored}.name}} of a JSON answer.`}
        onPause={pause}
        onChange={(store_response_as) => onChange({ store_response_as }, "store")}
      />
    </>
  );
}

const METHODS = [
  { value: "GET", label: "GET" },
  { value: "POST", label: "POST" },
];
const HEADERS_MAX = 20;
