/** Brings a sound into the library: a file, or what one says into the microphone. */
import { useRef, useState } from "react";
import { useUploadClip } from "../../api/clips";
import { sentence } from "../../core/sentence";
import { clockFace } from "../../core/time";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/Notice";
import { Timer } from "../../ui/Timer";
import { useRecorder } from "./useRecorder";

/** `onAdded` gets the path a prompt names it by. `name` is what a recording is called. */
export function AddSound({
  name,
  music = false,
  onAdded,
}: {
  name: string;
  music?: boolean;
  onAdded?: (place: string) => void;
}) {
  const upload = useUploadClip();
  const pick = useRef<HTMLInputElement>(null);
  const [last, setLast] = useState("");
  const add = (called: string, file: Blob) => {
    setLast(called);
    upload.mutate({ name: called, file, music }, { onSuccess: (clip) => onAdded?.(clip.clip) });
  };
  const recorder = useRecorder((file) => add(name || "Recording", file));
  const fault = upload.error?.message ?? (recorder.state === "idle" ? recorder.fault : null);
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <div className="flex flex-wrap gap-2">
        <Button
          size="sm"
          icon="upload"
          busy={upload.isPending}
          disabled={recorder.state === "recording"}
          onClick={() => pick.current?.click()}
        >
          Upload
        </Button>
        <input
          ref={pick}
          type="file"
          hidden
          aria-label="File with a sound"
          accept="audio/*,.ogg,.opus,.flac,.m4a,.webm"
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = "";
            if (file) add(file.name.replace(/\.[^.]+$/, ""), file);
          }}
        />
        {music ? null : recorder.state === "idle" ? (
          <Button size="sm" icon="mic" disabled={upload.isPending} onClick={recorder.start}>
            Record
          </Button>
        ) : (
          <Button size="sm" tone="stop" icon="record" onClick={recorder.stop}>
            Stop
            <Timer label="Recorded so far" read={() => clockFace(Date.now() - recorder.since_ms)} />
          </Button>
        )}
      </div>
      {upload.isPending ? (
        <p role="status" className="text-faint text-xs">
          Preparing “{last}”: reading it, trimming it, setting its loudness …
        </p>
      ) : null}
      {fault ? <Notice tone="stop">{sentence(fault)}</Notice> : null}
    </div>
  );
}
