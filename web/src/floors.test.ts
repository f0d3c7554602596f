/** The floors: app above screens above api above core and ui; imports go down only. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { expect, test } from "vitest";

const ROOT = import.meta.dirname;
const FLOORS: Record<string, number> = { app: 3, screens: 2, api: 1, core: 0, ui: 0 };

function files(): { path: string; text: string }[] {
  return readdirSync(ROOT, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path) && path.includes(sep))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

test("no file imports from a floor above its own, nor core from ui or ui from core", () => {
  const up: string[] = [];
  for (const { path, text } of files()) {
    const here = path.split(sep)[0] ?? "";
    for (const [, spec] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
      const there = relative(ROOT, join(ROOT, path, "..", spec ?? "")).split(sep)[0] ?? "";
      const mine = FLOORS[here];
      const its = FLOORS[there];
      if (here === there || mine === undefined || its === undefined) continue;
      if (its >= mine) up.push(`${path} imports ${spec}`);
    }
  }
  expect(up).toEqual([]);
});

test("every file opens with a sentence and stays under 400 lines", () => {
  const odd = files()
    .filter(({ path }) => !path.endsWith(".gen.ts"))
    .filter(({ text }) => !text.startsWith("/** ") || text.split("\n").length > 400);
  expect(odd.map((f) => f.path)).toEqual([]);
});
