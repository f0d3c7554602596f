/** What the caller hears at a node: a clip of the library, and the words it says. */
import { useRef, useState } from "react";
import type { Prompt } from "../../core/flow";
import { IconButton } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { TextArea } from "../../ui/TextArea";
import { useDesk } from "./Desk";

export function PromptFields({
  title = "Prompt",
  prompt,
  onChange,
}: {
  title?: string;
  prompt: Prompt;
  onChange: (prompt: Prompt, key?: string) => void;
}) {
  const { clips, editor } = useDesk();
  const known = clips.map((c) => ({ value: c.place, label: c.name }));
  const clip = prompt.clip ?? "";
  const choices =
    clip === "" || known.some((k) => k.value === clip)
      ? known
      : [...known, { value: clip, label: clip.replace(/^.*\//, "") }];
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
            choices={choices}
            onChange={(next) => onChange({ ...prompt, clip: next || null })}
          />
        </div>
        {clip ? <Preview key={clip} place={clip} /> : null}
      </div>
      <TextArea
        label="Words"
        placeholder="What it says"
        hint={
          clip
            ? "For those who read the flow; callers hear the clip."
            : "Spoken, once there is a clip or a voice."
        }
        value={prompt.text ?? ""}
        onBlur={() => editor.deeds.pause()}
        onChange={(event) => onChange({ ...prompt, text: event.target.value || null }, "words")}
      />
    </fieldset>
  );
}

/** Plays a clip. */
function Preview({ place }: { place: string }) {
  const { clips } = useDesk();
  const id = clips.find((c) => c.place === place)?.sound;
  const sound = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  if (!id) return null;
  return (
    <>
      <IconButton
        icon={playing ? "pause" : "play"}
        label={playing ? "Stop" : "Listen"}
        size="sm"
        onClick={() => {
          if (playing) sound.current?.pause();
          else void sound.current?.play();
        }}
      />
      {/* biome-ignore lint/a11y/useMediaCaption: its words are in the field below */}
      <audio
        ref={sound}
        src={id}
        preload="none"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onEnded={() => setPlaying(false)}
      />
    </>
  );
}
