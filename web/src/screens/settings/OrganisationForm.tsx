/** How the organisation takes calls: on or off, recorded or not, its music, its patience. */

import { useState } from "react";
import { type KnownClip, useClips } from "../../api/clips";
import { useChangeOrganisation, useOrganisation } from "../../api/settings";
import type { OrganisationSettings } from "../../api/words";
import { checkNumber } from "../../core/flow-check";
import { sentence } from "../../core/sentence";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Field } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { AddSound } from "../sounds/AddSound";
import { Listen } from "../sounds/Listen";
import { Loaded } from "./Loaded";
import { SaveOutcome } from "./SaveOutcome";

export function OrganisationForm() {
  const organisation = useOrganisation();
  return (
    <Loaded of={organisation} what="settings">
      {(data) => <Form key={data.id} kept={data} />}
    </Loaded>
  );
}

function Form({ kept }: { kept: OrganisationSettings }) {
  const change = useChangeOrganisation();
  const clips = useClips().data ?? [];
  return (
    <div className="flex flex-col gap-4">
      <Card title="Organisation">
        <NameAndPatience kept={kept} />
      </Card>
      <Card title="Calls">
        <div className="flex flex-col gap-4">
          <Switch
            label="Take calls"
            hint="Off: every number of the organisation refuses calls at WhatsApp."
            on={kept.calling_enabled}
            onChange={(calling_enabled) => change.mutate({ calling_enabled })}
          />
          <Switch
            label="Record conversations"
            hint="Both sides in lanes of their own; never while on hold."
            on={kept.recording_enabled}
            onChange={(recording_enabled) => change.mutate({ recording_enabled })}
          />
        </div>
      </Card>
      <Card title="Sounds">
        <div className="grid gap-6 sm:grid-cols-2">
          <SoundField
            label="Hold music"
            hint="Heard on hold and in the queue."
            any="The house’s"
            clips={clips}
            value={kept.hold_music}
            onChange={(hold_music) => change.mutate({ hold_music })}
          />
          <SoundField
            label="Ringback"
            hint="Heard by agents while the other side rings."
            any="The house’s"
            clips={clips}
            value={kept.ringback}
            onChange={(ringback) => change.mutate({ ringback })}
          />
        </div>
      </Card>
      {change.isError ? <Notice tone="stop">{sentence(change.error.message)}</Notice> : null}
    </div>
  );
}

function NameAndPatience({ kept }: { kept: OrganisationSettings }) {
  const change = useChangeOrganisation();
  const [name, setName] = useState(kept.name);
  const [wait, setWait] = useState(
    kept.transfer_timeout_secs === null ? "" : String(kept.transfer_timeout_secs),
  );
  const verdict = wait === "" ? null : checkNumber(wait, 1, 3600, "seconds");
  const same =
    name === kept.name &&
    wait === (kept.transfer_timeout_secs === null ? "" : String(kept.transfer_timeout_secs));
  return (
    <form
      className="grid gap-4 sm:grid-cols-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (!verdict) change.mutate({ name, transfer_timeout_secs: wait === "" ? null : Number(wait) });
      }}
    >
      <Field
        small
        label="Name"
        value={name}
        maxLength={100}
        onChange={(event) => setName(event.target.value)}
      />
      <Field
        small
        label="Longest wait for an agent (s)"
        inputMode="numeric"
        placeholder="As configured"
        value={wait}
        {...(verdict ? { error: verdict } : { hint: "Then the caller hears that nobody is free." })}
        onChange={(event) => setWait(event.target.value)}
      />
      <div className="flex items-center gap-3 sm:col-span-2">
        <Button
          type="submit"
          size="sm"
          tone="brand"
          busy={change.isPending}
          disabled={same || name.trim() === "" || verdict !== null}
        >
          Save
        </Button>
        <SaveOutcome done={change.isSuccess && same ? "Saved." : null} error={change.error} />
      </div>
    </form>
  );
}

function SoundField({
  label,
  hint,
  any,
  clips,
  value,
  onChange,
}: {
  label: string;
  hint: string;
  any: string;
  clips: readonly KnownClip[];
  value: string | null;
  onChange: (place: string | null) => void;
}) {
  const chosen = clips.find((c) => c.place === value);
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <span className="font-medium text-soft text-xs">{label}</span>
      <div className="flex items-center gap-2">
        <div className="min-w-0 flex-1">
          <Select
            wide
            label={label}
            value={value ?? ""}
            any={any}
            choices={clips.map((c) => ({ value: c.place, label: c.name }))}
            onChange={(place) => onChange(place || null)}
          />
        </div>
        {chosen ? <Listen key={chosen.place} sound={chosen.sound} name={chosen.name} /> : null}
      </div>
      <AddSound name={label} music onAdded={onChange} />
      <span className="text-faint text-xs">{hint}</span>
    </div>
  );
}
