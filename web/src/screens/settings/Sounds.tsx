/** The audio library: the organisation's own sounds, and the house's. */

import { useState } from "react";
import { type KnownClip, useClips, useClipUses, useDeleteClip, useRenameClip } from "../../api/clips";
import { sentence } from "../../core/sentence";
import { clockFace } from "../../core/time";
import { Button, IconButton } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { EmptyState } from "../../ui/states";
import { AddSound } from "../sounds/AddSound";
import { Listen } from "../sounds/Listen";
import { Loaded } from "./Loaded";

export function Sounds() {
  const clips = useClips();
  return (
    <Loaded of={clips} what="library">
      {(all) => {
        const own = all.filter((c) => c.own);
        return (
          <div className="flex flex-col gap-4">
            <Card title="Your own" aside={<AddSound name="Recording" />}>
              {own.length === 0 ? (
                <EmptyState icon="note" title="Nothing here yet">
                  Upload WAV, MP3, OGG, FLAC, M4A or WebM, or record it here. Its loudness is set for the
                  telephone.
                </EmptyState>
              ) : (
                <List clips={own} />
              )}
            </Card>
            <Card title="The house’s" aside={<span className="text-faint text-xs">Everybody has these</span>}>
              <List clips={all.filter((c) => !c.own)} />
            </Card>
          </div>
        );
      }}
    </Loaded>
  );
}

function List({ clips }: { clips: readonly KnownClip[] }) {
  return (
    <ul className="divide-y divide-line">
      {clips.map((clip) => (
        <li key={clip.place} className="flex items-center gap-3 py-2">
          <Listen sound={clip.sound} name={clip.name} />
          <span className="min-w-0 flex-1 truncate text-sm">{clip.name}</span>
          {clip.own ? (
            <span className="text-faint text-xs tabular-nums max-sm:hidden">
              {clip.own.lufs.toFixed(1)} LUFS
            </span>
          ) : null}
          <span className="w-12 text-right text-faint text-xs tabular-nums">
            {clockFace(clip.duration_ms)}
          </span>
          {clip.own ? <OwnDeeds id={clip.own.id} name={clip.name} /> : null}
        </li>
      ))}
    </ul>
  );
}

function OwnDeeds({ id, name }: { id: string; name: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <IconButton icon="more" label={`Rename or remove ${name}`} size="sm" onClick={() => setOpen(true)} />
      <Dialog open={open} onClose={() => setOpen(false)} title={name}>
        <Deeds id={id} name={name} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Deeds({ id, name, onDone }: { id: string; name: string; onDone: () => void }) {
  const rename = useRenameClip();
  const remove = useDeleteClip();
  const uses = useClipUses(id, true);
  const [typed, setTyped] = useState(name);
  const fault = rename.error ?? remove.error;
  const flows = uses.data?.flows ?? [];
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        rename.mutate({ id, name: typed }, { onSuccess: onDone });
      }}
    >
      <Field
        label="Name"
        data-focus=""
        value={typed}
        maxLength={100}
        onChange={(event) => setTyped(event.target.value)}
      />
      <p className="text-soft text-sm">
        {flows.length > 0 ? `Played by ${flows.map((f) => f.name).join(", ")}.` : "No flow plays it."}
      </p>
      {fault ? <Notice tone="stop">{sentence(fault.message)}</Notice> : null}
      <div className="flex justify-between gap-2">
        <Button
          tone="stop"
          icon="trash"
          busy={remove.isPending}
          onClick={() => remove.mutate(id, { onSuccess: onDone })}
        >
          Remove
        </Button>
        <Button
          type="submit"
          tone="brand"
          busy={rename.isPending}
          disabled={typed.trim() === "" || typed === name}
        >
          Rename
        </Button>
      </div>
    </form>
  );
}
