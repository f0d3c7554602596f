/** The WhatsApp numbers: taking calls or not, where callers start, and what Meta has to know. */

import { useState } from "react";
import { useFlows } from "../../api/calls";
import { useAddNumber, useChangeNumber, useNumber, useNumbers } from "../../api/settings";
import type { AccountSummary } from "../../api/words";
import { prettyNumber } from "../../core/phone-number";
import { sentence } from "../../core/sentence";
import { Button, IconButton } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { EmptyState, Skeleton } from "../../ui/states";
import { Loaded } from "./Loaded";
import { SaveOutcome } from "./SaveOutcome";

export function Numbers() {
  const numbers = useNumbers();
  const [adding, setAdding] = useState(false);
  const add = (
    <Button tone="brand" icon="plus" onClick={() => setAdding(true)}>
      Add a number
    </Button>
  );
  return (
    <Loaded of={numbers} what="numbers">
      {(all) => (
        <div className="flex flex-col gap-4">
          {all.length === 0 ? (
            <Card flush>
              <EmptyState icon="phone" title="No number yet" action={add}>
                A WhatsApp Business number with calling enabled at Meta.
              </EmptyState>
            </Card>
          ) : (
            <>
              {all.map((number) => (
                <NumberCard key={number.id} number={number} />
              ))}
              <div>{add}</div>
            </>
          )}
          <Dialog
            open={adding}
            onClose={() => setAdding(false)}
            title="Add a number"
            about="All of it stands in Meta’s app dashboard."
          >
            <AddForm onDone={() => setAdding(false)} />
          </Dialog>
        </div>
      )}
    </Loaded>
  );
}

function NumberCard({ number }: { number: AccountSummary }) {
  const change = useChangeNumber(number.id);
  const flows = useFlows();
  const [shown, setShown] = useState(false);
  const published = (flows.data ?? []).filter((f) => f.published_version !== null && !f.archived);
  return (
    <Card
      title={number.name}
      aside={<span className="text-soft text-sm tabular-nums">{prettyNumber(number.display_number)}</span>}
    >
      <div className="grid gap-5 sm:grid-cols-2">
        <div className="flex flex-col gap-1.5">
          <span aria-hidden="true" className="font-medium text-soft text-xs">
            Callers start in
          </span>
          <Select
            wide
            label={`Start flow of ${number.name}`}
            value={number.start_flow ?? ""}
            any="No flow: calls are refused"
            choices={published.map((f) => ({ value: f.id, label: f.name }))}
            onChange={(flow) => change.mutate({ start_flow: flow || null })}
          />
        </div>
        <div className="sm:pt-5">
          <Switch
            label="Takes calls"
            hint="Off: WhatsApp is told to refuse them."
            on={number.calling_enabled}
            onChange={(on) => change.mutate({ calling_enabled: on })}
          />
        </div>
      </div>
      {change.isError ? (
        <div className="mt-4">
          <Notice tone="stop">{sentence(change.error.message)}</Notice>
        </div>
      ) : null}
      <div className="mt-4">
        <Button size="sm" aria-expanded={shown} onClick={() => setShown(!shown)}>
          {shown ? "Hide what Meta needs" : "What Meta needs"}
        </Button>
      </div>
      {shown ? <Meta id={number.id} /> : null}
    </Card>
  );
}

function Meta({ id }: { id: string }) {
  const detail = useNumber(id, true);
  const change = useChangeNumber(id);
  const [token, setToken] = useState("");
  const [secret, setSecret] = useState("");
  if (detail.isError) return <Notice tone="stop">{sentence(detail.error.message)}</Notice>;
  if (!detail.data) return <Skeleton height={120} />;
  const { webhook_url, verify_token, phone_number_id, has_token, has_app_secret } = detail.data;
  return (
    <form
      className="mt-4 grid gap-4 border-line border-t pt-4 sm:grid-cols-2"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate(
          { ...(token ? { token } : {}), ...(secret ? { app_secret: secret } : {}) },
          {
            onSuccess: () => {
              setToken("");
              setSecret("");
            },
          },
        );
      }}
    >
      <Copyable label="Webhook address" value={webhook_url} />
      <Copyable label="Verify token" value={verify_token} />
      <Copyable label="Phone number id" value={phone_number_id} />
      <span className="max-sm:hidden" />
      <Field
        small
        label="New access token"
        type="password"
        autoComplete="off"
        hint={has_token ? "One is set; it is never shown." : "None is set."}
        value={token}
        onChange={(event) => setToken(event.target.value)}
      />
      <Field
        small
        label="New app secret"
        type="password"
        autoComplete="off"
        hint={has_app_secret ? "One is set; it is never shown." : "None is set."}
        value={secret}
        onChange={(event) => setSecret(event.target.value)}
      />
      <div className="flex items-center gap-3 sm:col-span-2">
        <Button type="submit" size="sm" busy={change.isPending} disabled={token === "" && secret === ""}>
          Replace
        </Button>
        <SaveOutcome done={change.isSuccess ? "Replaced." : null} error={change.error} />
      </div>
    </form>
  );
}

function Copyable({ label, value }: { label: string; value: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div className="flex min-w-0 items-end gap-1.5">
      <div className="min-w-0 flex-1">
        <Field small label={label} readOnly value={value} onFocus={(event) => event.target.select()} />
      </div>
      <IconButton
        icon={copied ? "check" : "copy"}
        label={copied ? "Copied" : `Copy the ${label.toLowerCase()}`}
        size="sm"
        onClick={() => void navigator.clipboard.writeText(value).then(() => setCopied(true))}
      />
    </div>
  );
}

function AddForm({ onDone }: { onDone: () => void }) {
  const add = useAddNumber();
  const [typed, setTyped] = useState({
    name: "",
    display_number: "",
    phone_number_id: "",
    token: "",
    app_secret: "",
  });
  const ready = Object.values(typed).every((value) => value.trim() !== "");
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) add.mutate(typed, { onSuccess: onDone });
      }}
    >
      {FIELDS.map(({ field, label, hint, secret }) => (
        <Field
          key={field}
          small
          label={label}
          {...(hint ? { hint } : {})}
          type={secret ? "password" : "text"}
          autoComplete="off"
          {...(field === "name" ? { "data-focus": "" as const } : {})}
          value={typed[field]}
          onChange={(event) => setTyped({ ...typed, [field]: event.target.value })}
        />
      ))}
      {add.isError ? <Notice tone="stop">{sentence(add.error.message)}</Notice> : null}
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>Cancel</Button>
        <Button type="submit" tone="brand" busy={add.isPending} disabled={!ready}>
          Add
        </Button>
      </div>
    </form>
  );
}

const FIELDS = [
  { field: "name", label: "Name", hint: "As your people call it.", secret: false },
  { field: "display_number", label: "Number", hint: "With country code: +49 30 1234567.", secret: false },
  { field: "phone_number_id", label: "Phone number id", hint: "WhatsApp › API setup.", secret: false },
  { field: "token", label: "Access token", hint: "Of a system user; never shown again.", secret: true },
  {
    field: "app_secret",
    label: "App secret",
    hint: "App settings › Basic; never shown again.",
    secret: true,
  },
] as const;
