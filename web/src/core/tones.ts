/** Sounds of our own making, as samples: the ring, and the two tones of a key. */

/** One turn of the ring, 2.6 s to be looped: two rising, wooden notes, twice, then quiet. */
export function ringSamples(rate_hz: number): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(Math.round(rate_hz * RING_SECONDS));
  for (const note of RING_NOTES) strike(samples, rate_hz, note.at_s, note.hz, note.loud);
  return samples;
}

/** The two tones of a key (ITU-T Q.23), faded in and out so that it does not click. */
export function keySamples(key: string, rate_hz: number): Float32Array<ArrayBuffer> {
  const pair = KEY_TONES_HZ[key];
  const length = Math.round(rate_hz * KEY_SECONDS);
  const samples = new Float32Array(length);
  if (!pair) return samples;
  const fade = Math.round(rate_hz * 0.008);
  for (let n = 0; n < length; n++) {
    const edge = Math.min(1, n / fade, (length - 1 - n) / fade);
    const angle = (2 * Math.PI * n) / rate_hz;
    samples[n] = 0.5 * edge * (Math.sin(pair[0] * angle) + Math.sin(pair[1] * angle));
  }
  return samples;
}

function strike(into: Float32Array, rate_hz: number, at_s: number, hz: number, loud: number) {
  const start = Math.round(at_s * rate_hz);
  const length = Math.min(into.length - start, Math.round(rate_hz * 0.9));
  for (let n = 0; n < length; n++) {
    const t = n / rate_hz;
    const attack = Math.min(1, t / 0.004);
    let sum = 0;
    for (const [ratio, share, decay] of PARTIALS)
      sum += share * Math.exp(-decay * t) * Math.sin(2 * Math.PI * hz * ratio * t);
    // The last tenth of a second fades to nothing, so a note never ends in a step.
    const tail = Math.min(1, (length - n) / (rate_hz * 0.1));
    into[start + n] = (into[start + n] ?? 0) + loud * attack * tail * sum;
  }
}

const RING_SECONDS = 2.6;
const KEY_SECONDS = 0.16;

// A bar of wood sounds its fourth and tenth partials and loses them first.
const PARTIALS: readonly (readonly [number, number, number])[] = [
  [1, 0.62, 6],
  [3.98, 0.2, 16],
  [9.6, 0.07, 34],
];

const RING_NOTES = [
  { at_s: 0, hz: 659.26, loud: 0.8 },
  { at_s: 0.16, hz: 880, loud: 0.9 },
  { at_s: 0.32, hz: 1108.73, loud: 0.8 },
  { at_s: 0.72, hz: 659.26, loud: 0.8 },
  { at_s: 0.88, hz: 880, loud: 0.9 },
  { at_s: 1.04, hz: 1318.51, loud: 0.75 },
];

const KEY_TONES_HZ: Record<string, readonly [number, number]> = Object.fromEntries(
  ["123", "456", "789", "*0#"].flatMap((row, r) =>
    [...row].map((key, c) => [key, [[697, 770, 852, 941][r] ?? 0, [1209, 1336, 1477][c] ?? 0] as const]),
  ),
);
