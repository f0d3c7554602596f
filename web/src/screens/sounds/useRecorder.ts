/** The microphone into a file, for a minute at most. */
import { useEffect, useRef, useState } from "react";

export type Recorder =
  | { state: "idle"; fault: string | null; start: () => void }
  | { state: "recording"; since_ms: number; stop: () => void };

/** `onDone` gets what was recorded. */
export function useRecorder(onDone: (file: Blob) => void): Recorder {
  const [since_ms, setSince] = useState<number | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const running = useRef<MediaRecorder | null>(null);
  useEffect(() => () => running.current?.stream.getTracks().forEach((track) => void track.stop()), []);

  const start = async () => {
    setFault(null);
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (why) {
      return setFault(
        why instanceof DOMException && why.name === "NotAllowedError"
          ? "The browser keeps the microphone closed. Allow it beside the address."
          : "There is no microphone to record with.",
      );
    }
    const recorder = new MediaRecorder(stream);
    const parts: Blob[] = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop();
      running.current = null;
      setSince(null);
      onDone(new Blob(parts, { type: recorder.mimeType }));
    };
    running.current = recorder;
    recorder.start();
    setSince(Date.now());
    setTimeout(() => recorder.state === "recording" && recorder.stop(), LASTS_MS_MAX);
  };
  return since_ms === null
    ? { state: "idle", fault, start: () => void start() }
    : { state: "recording", since_ms, stop: () => running.current?.stop() };
}

const LASTS_MS_MAX = 60_000;
