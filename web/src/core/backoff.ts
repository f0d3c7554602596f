/** How long to wait before trying again. */

/** Doubles from half a second to `BACKOFF_MS_MAX`; `chance` in 0..1 spreads tabs apart by ± 25 %. */
export function backoffMs(attempt: number, chance: number): number {
  const plain = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.max(0, attempt));
  return Math.round(plain * (0.75 + chance / 2));
}

export const BACKOFF_MS_MIN = 500;
export const BACKOFF_MS_MAX = 10_000;
