/** A new flow: a name, and something to begin with. */
import { useState } from "react";
import { useLocation } from "wouter";
import { useCreateFlow } from "../../api/flows";
import { TEMPLATES } from "../../core/flow-templates";
import { Button } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Notice } from "../../ui/Notice";

export function NewFlow({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="New flow" about="Nobody hears it before it is published.">
      <Form onClose={onClose} />
    </Dialog>
  );
}

function Form({ onClose }: { onClose: () => void }) {
  const create = useCreateFlow();
  const [, goTo] = useLocation();
  const [name, setName] = useState("");
  const [template, setTemplate] = useState("reception");
  const [tried, setTried] = useState(false);
  const submit = () => {
    setTried(true);
    if (name.trim() === "") return;
    const flow = TEMPLATES.find((t) => t.id === template)?.flow(name.trim());
    create.mutate(
      { name: name.trim(), ...(flow ? { flow } : {}) },
      { onSuccess: (made) => goTo(`/flows/${made.id}`) },
    );
  };
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Field
        label="Name"
        placeholder="Reception"
        data-focus=""
        autoComplete="off"
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.target.value)}
        {...(tried && name.trim() === "" ? { error: "A flow needs a name." } : {})}
      />
      <fieldset>
        <legend className="mb-1.5 font-medium text-soft text-xs">Begin with</legend>
        <div className="grid gap-2 sm:grid-cols-2">
          {[...TEMPLATES, EMPTY].map((t) => (
            <label
              key={t.id}
              className={classes(
                "cursor-pointer rounded-lg border p-3 text-sm transition-colors has-focus-visible:outline-2 has-focus-visible:outline-brand",
                template === t.id ? "border-brand bg-brand-wash" : "border-line hover:bg-hover",
              )}
            >
              <input
                type="radio"
                name="template"
                value={t.id}
                checked={template === t.id}
                onChange={() => setTemplate(t.id)}
                className="sr-only"
              />
              <span className="block font-medium">{t.name}</span>
              <span className="block text-soft text-xs">{t.about}</span>
            </label>
          ))}
        </div>
      </fieldset>
      {create.isError ? <Notice tone="stop">{create.error.message}</Notice> : null}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" tone="brand" busy={create.isPending}>
          Create
        </Button>
      </div>
    </form>
  );
}

const EMPTY = { id: "empty", name: "Nothing", about: "An empty canvas." };
