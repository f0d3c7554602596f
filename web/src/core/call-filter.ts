/** The call log's filter: what the URL holds, and what the API is asked. */
import { dayEnd, dayStart } from "./time";

export type CallFilter = { [name in FilterName]?: string };
export type FilterName = (typeof FILTER_NAMES)[number];

export const FILTER_NAMES = ["status", "direction", "account", "flow", "agent", "from", "to", "q"] as const;

/** Reads the URL; unknown names and empty values fall away. */
export function filterOf(search: URLSearchParams): CallFilter {
  const filter: CallFilter = {};
  for (const name of FILTER_NAMES) {
    const value = search.get(name)?.trim();
    if (value) filter[name] = value;
  }
  return filter;
}

/** The URL's query for a filter, always in the same order. */
export function searchOf(filter: CallFilter): string {
  const search = new URLSearchParams();
  for (const name of FILTER_NAMES) {
    const value = filter[name];
    if (value) search.set(name, value);
  }
  return search.toString();
}

/** The API's query: days become milliseconds, `to` includes its day. */
export function apiQuery(filter: CallFilter, cursor: string, limit: number): string {
  const { from, to, ...plain } = filter;
  const search = new URLSearchParams(searchOf(plain));
  const start = from ? dayStart(from) : null;
  const end = to ? dayEnd(to) : null;
  if (start !== null) search.set("from", String(start));
  if (end !== null) search.set("to", String(end));
  if (cursor) search.set("cursor", cursor);
  search.set("limit", String(limit));
  return search.toString();
}

/** How many filters are set, the text apart. */
export function filtersSet(filter: CallFilter): number {
  return FILTER_NAMES.filter((name) => name !== "q" && filter[name]).length;
}
