/** A small bar that moves with the agent's own voice: proof that the microphone hears. */
import { useEffect, useRef } from "react";
import { Icon } from "../../ui/Icon";
import { usePhone } from "./PhoneContext";

export function MicLevel() {
  const [view, phone] = usePhone();
  const bar = useRef<HTMLSpanElement>(null);
  const on = view.mic === "on";
  useEffect(() => {
    const stream = on ? phone.micStream : null;
    if (!stream) return;
    const meter = phone.sounder.meter(stream);
    let frame = requestAnimationFrame(function draw() {
      if (bar.current) bar.current.style.transform = `scaleX(${meter.read().toFixed(3)})`;
      frame = requestAnimationFrame(draw);
    });
    return () => {
      cancelAnimationFrame(frame);
      meter.stop();
    };
  }, [on, phone]);
  return (
    <span role="img" aria-label="Microphone level" className="flex items-center gap-1.5 text-faint">
      <Icon name="mic" size={13} />
      <span className="block h-1.5 w-20 overflow-hidden rounded-full bg-hover">
        <span ref={bar} className="block h-full origin-left scale-x-0 rounded-full bg-go" />
      </span>
    </span>
  );
}
