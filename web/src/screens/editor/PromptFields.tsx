/** What the caller hears at a node: a clip of the library, and the words it says. */
import { useSpeak } from "../../api/clips";
import type { Prompt } from "../../core/flow";
import { sentence } from "../../core/sentence";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/Notice";
import { Select } from "../../ui/Select";
import { TextArea } from "../../ui/TextArea";
import { AddSound } from "../sounds/AddSound";
import { Listen } from "../sounds/Listen";
import { useDesk } from "./Desk";

export function PromptFields({
  title = "Prompt",
  name,
  prompt,
  onChange,
}: {
  title?: string;
  /** What a recording is called. */
  name: string;
  prompt: Prompt;
  onChange: (prompt: Prompt, key?: string) => void;
}) {
  const { clips, editor } = useDesk();
  const known = clips.map((c) => ({ value: c.place, label: c.name }));
  const clip = prompt.clip ?? "";
  const chosen = clips.find((c) => c.place === clip);
  const lost = clip !== "" && !chosen;
  return (
    <fieldset className="flex min-w-0 flex-col gap-3">
      <legend className="mb-2 font-medium text-soft text-xs">{title}</legend>
      <div className="flex items-center gap-2">
        <div className="min-w-0 flex-1">
          <Select
            wide
            label="Clip"
            value={clip}
            any="No clip"
            choices={lost ? [...known, { value: clip, label: clip.replace(/^.*\//, "") }] : known}
            onChange={(next) => onChange({ ...prompt, clip: next || null })}
          />
        </div>
        {chosen ? <Listen key={clip} sound={chosen.sound} name={chosen.name} /> : null}
      </div>
      <AddSound name={name} onAdded={(place) => onChange({ ...prompt, clip: place })} />
      <TextArea
        label="Words"
        placeholder="What it says"
        hint={
          clip
            ? "For those who read the flow; callers hear the clip."
            : "Spoken by the server’s voice when the flow is published."
        }
        value={prompt.text ?? ""}
        onBlur={() => editor.deeds.pause()}
        onChange={(event) => onChange({ ...prompt, text: event.target.value || null }, "words")}
      />
      {!clip && prompt.text?.trim() ? <Speak key={prompt.text} text={prompt.text} /> : null}
    </fieldset>
  );
}

/** Lets one hear the words before callers do. */
function Speak({ text }: { text: string }) {
  const speak = useSpeak();
  return (
    <div className="flex flex-col gap-2">
      <div className="flex items-center gap-2">
        <Button size="sm" icon="speaker" busy={speak.isPending} onClick={() => speak.mutate(text)}>
          Hear the words
        </Button>
        {speak.data ? <Listen sound={speak.data} name="the words" eager /> : null}
      </div>
      {speak.isError ? <Notice tone="stop">{sentence(speak.error.message)}</Notice> : null}
    </div>
  );
}
