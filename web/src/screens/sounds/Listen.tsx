/** A button that plays a sound, and stops it. */
import { useRef, useState } from "react";
import { IconButton } from "../../ui/Button";

/** `eager` plays at once. */
export function Listen({ sound, name, eager = false }: { sound: string; name: string; eager?: boolean }) {
  const player = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [broken, setBroken] = useState(false);
  return (
    <>
      <IconButton
        icon={playing ? "pause" : "play"}
        label={broken ? `${name} cannot be played` : playing ? `Stop ${name}` : `Listen to ${name}`}
        size="sm"
        disabled={broken}
        onClick={() => {
          if (playing) player.current?.pause();
          else void player.current?.play().catch(() => setBroken(true));
        }}
      />
      {/* biome-ignore lint/a11y/useMediaCaption: a prompt's words stand beside it */}
      <audio
        ref={player}
        src={sound}
        preload={eager ? "auto" : "none"}
        autoPlay={eager}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onEnded={() => setPlaying(false)}
      />
    </>
  );
}
