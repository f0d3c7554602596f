/** Plays a two-lane recording: the caller on the left ear, the agent on the right; seek, speed, download. */
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { clockFace } from "../../core/time";
import { Button, IconButton, Spinner } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { Notice } from "../../ui/Notice";
import { Lanes } from "./Lanes";
import { loadPeaks } from "./load-peaks";

export interface PlayerProps {
  /** Asks for a link when sound is wanted, and again when it has run out. */
  getLink: () => Promise<string>;
  duration_ms: number;
  callerName: string;
  agentName: string;
  holds: readonly { from_ms: number; to_ms: number }[];
  fileName: string;
}

export function Player({ getLink, duration_ms, callerName, agentName, holds, fileName }: PlayerProps) {
  const audio = useRef<HTMLAudioElement>(null);
  const [url, setUrl] = useState<string | null>(null);
  const [is, setIs] = useState<"still" | "loading" | "playing">("still");
  const [at_ms, setAt] = useState(0);
  const [length_ms, setLength] = useState(duration_ms);
  const [speed, setSpeed] = useState(1);
  const [peaks, setPeaks] = useState<number[][] | null>(null);
  const [fault, setFault] = useState<string | null>(null);

  // The position follows the sound every frame while it plays, and rests while it does not.
  useEffect(() => {
    if (is !== "playing") return;
    let frame = requestAnimationFrame(function follow() {
      if (audio.current) setAt(audio.current.currentTime * 1000);
      frame = requestAnimationFrame(follow);
    });
    return () => cancelAnimationFrame(frame);
  }, [is]);

  async function link(): Promise<string | null> {
    try {
      const fresh = await getLink();
      setFault(null);
      return fresh;
    } catch (why) {
      setFault(why instanceof Error ? why.message : String(why));
      setIs("still");
      return null;
    }
  }

  async function load(from_ms: number) {
    setIs("loading");
    const fresh = await link();
    const player = audio.current;
    if (!fresh || !player) return;
    setUrl(fresh);
    player.src = fresh;
    player.playbackRate = speed;
    player.currentTime = from_ms / 1000;
    await player.play().catch(() => setIs("still"));
    if (!peaks && length_ms <= PEAKS_MS_MAX) setPeaks(await loadPeaks(fresh, SLICES).catch(() => null));
  }

  function toggle() {
    const player = audio.current;
    if (!url || !player) return void load(at_ms);
    if (player.paused) void player.play().catch(() => undefined);
    else player.pause();
  }

  function seek(to_ms: number) {
    const to = Math.min(Math.max(0, to_ms), length_ms);
    setAt(to);
    if (url && audio.current) audio.current.currentTime = to / 1000;
  }

  function pace() {
    const next = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length] ?? 1;
    setSpeed(next);
    if (audio.current) audio.current.playbackRate = next;
  }

  async function download() {
    const fresh = await link();
    if (!fresh) return;
    const anchor = document.createElement("a");
    anchor.href = fresh;
    anchor.download = fileName;
    anchor.click();
  }

  function press(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.target instanceof HTMLButtonElement;
    const deed = {
      " ": onButton ? undefined : toggle,
      k: toggle,
      j: () => seek(at_ms - STEP_MS),
      l: () => seek(at_ms + STEP_MS),
      ArrowLeft: () => seek(at_ms - STEP_MS),
      ArrowRight: () => seek(at_ms + STEP_MS),
      Home: () => seek(0),
    }[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would say "form" where there is none
    <div role="group" aria-label="Recording player" onKeyDown={press}>
      {/* biome-ignore lint/a11y/useMediaCaption: a telephone call has no captions */}
      <audio
        ref={audio}
        preload="metadata"
        onPlaying={() => setIs("playing")}
        onWaiting={() => setIs("loading")}
        onPause={() => setIs("still")}
        onEnded={() => setAt(length_ms)}
        onLoadedMetadata={(event) => {
          const seconds = event.currentTarget.duration;
          if (Number.isFinite(seconds)) setLength(seconds * 1000);
        }}
        onError={() => {
          if (!url) return;
          // The link has run out or the file is gone: the next press asks anew from here.
          setUrl(null);
          setIs("still");
          setFault("The sound stopped loading. Press play to go on from here.");
        }}
      />
      <Lanes
        names={[`${callerName} (left)`, `${agentName} (right)`]}
        peaks={peaks}
        share={length_ms > 0 ? at_ms / length_ms : 0}
        holds={holds.map((h) => ({ from: h.from_ms / length_ms, to: h.to_ms / length_ms }))}
        loading={is === "loading" && !peaks}
      >
        <input
          type="range"
          aria-label="Position"
          aria-valuetext={`${clockFace(at_ms)} of ${clockFace(length_ms)}`}
          min={0}
          max={Math.max(1, Math.round(length_ms))}
          step={100}
          value={Math.round(at_ms)}
          onChange={(event) => seek(Number(event.target.value))}
          className="absolute inset-0 m-0 size-full cursor-pointer opacity-0"
        />
      </Lanes>
      <div className="mt-3 flex items-center gap-2">
        <button
          type="button"
          aria-label={is === "playing" ? "Pause" : "Play"}
          onClick={toggle}
          className="grid size-11 shrink-0 place-items-center rounded-full bg-brand text-on-brand transition-[background-color,scale] hover:bg-brand-strong active:scale-95"
        >
          {is === "loading" ? (
            <Spinner size={18} />
          ) : (
            <Icon name={is === "playing" ? "pause" : "play"} size={20} />
          )}
        </button>
        <span className="ml-1.5 text-sm tabular-nums">
          <span className="font-medium">{clockFace(at_ms)}</span>
          <span className="text-faint"> / {clockFace(length_ms)}</span>
        </span>
        <span className="flex-1" />
        <Button size="sm" tone="quiet" onClick={pace} aria-label={`Speed: ${speed} times`}>
          <span className="w-9 tabular-nums">{speed}×</span>
        </Button>
        <IconButton
          icon="download"
          label="Download (Ogg Opus, two channels)"
          size="sm"
          onClick={() => void download()}
        />
      </div>
      {fault ? (
        <div role="alert" className="mt-3">
          <Notice tone="stop">{fault}</Notice>
        </div>
      ) : null}
    </div>
  );
}

const SPEEDS = [1, 1.25, 1.5, 2, 0.75];
const STEP_MS = 5000;
const SLICES = 220;
/** Decoding holds the whole sound in memory: above this, the lanes stay plain. */
const PEAKS_MS_MAX = 12 * 60_000;
