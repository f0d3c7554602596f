/** Moments and spans as people read them. */

/** A running clock: 0:42, 12:03, 1:02:03. Never negative. */
export function clockFace(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** The same with two digits of minutes, as the hold button says it: 00:42. */
export function holdFace(ms: number): string {
  return clockFace(ms).padStart(5, "0");
}

/** A span in a table: "7 s", "2 min 13 s", "1 h 04 min"; a dash for nothing. */
export function span(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || ms <= 0) return "–";
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor(seconds / 60) % 60).padStart(2, "0")} min`;
}

/** How long something has lasted, to the minute: "less than a minute", "12 min", "1 h 04 min". */
export function stay(ms: number): string {
  return ms < 60_000 ? "less than a minute" : span(Math.floor(ms / 60_000) * 60_000).replace(" 0 s", "");
}

/** A moment in a list: the clock, and the day unless it is today. */
export function moment(at: number, now: number, locale?: string): { clock: string; day: string | null } {
  const clock = new Date(at).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
  const days = Math.round((startOfDay(now) - startOfDay(at)) / DAY_MS);
  if (days === 0) return { clock, day: null };
  if (days === 1) return { clock, day: "Yesterday" };
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const year = sameYear ? {} : ({ year: "numeric" } as const);
  return { clock, day: new Date(at).toLocaleDateString(locale, { day: "numeric", month: "short", ...year }) };
}

/** The same in one line. */
export function momentLine(at: number, now: number, locale?: string): string {
  const { clock, day } = moment(at, now, locale);
  return day ? `${day}, ${clock}` : clock;
}

/** A moment in full, to the second. */
export function fullMoment(at: number, locale?: string): string {
  return new Date(at).toLocaleString(locale, { dateStyle: "long", timeStyle: "medium" });
}

/** The first millisecond of a `YYYY-MM-DD` day in the viewer's zone; nothing for anything else. */
export function dayStart(day: string): number | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!parts) return null;
  const at = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])).getTime();
  return Number.isNaN(at) ? null : at;
}

/** The first millisecond after that day. */
export function dayEnd(day: string): number | null {
  const start = dayStart(day);
  if (start === null) return null;
  const next = new Date(start);
  next.setDate(next.getDate() + 1);
  return next.getTime();
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

const DAY_MS = 86_400_000;
