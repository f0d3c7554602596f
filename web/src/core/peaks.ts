/** The outline of a sound: its loudest sample in each of so many slices. */

/** `slices` values between 0 and 1, scaled so that the loudest of all lanes is 1. */
export function peaksOf(lanes: readonly Float32Array[], slices: number): number[][] {
  const raw = lanes.map((lane) => {
    const width = lane.length / slices;
    return Array.from({ length: slices }, (_, slice) => {
      let peak = 0;
      const end = Math.min(lane.length, Math.floor((slice + 1) * width));
      for (let n = Math.floor(slice * width); n < end; n++) peak = Math.max(peak, Math.abs(lane[n] ?? 0));
      return peak;
    });
  });
  const loudest = Math.max(PEAK_MIN, ...raw.flat());
  return raw.map((lane) => lane.map((peak) => peak / loudest));
}

// Below this the lanes are noise: it must not be drawn as if someone spoke.
const PEAK_MIN = 0.05;
