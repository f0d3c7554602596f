/** A draft is never written over somebody else's, and never lost. */
import { expect, test } from "vitest";
import {
  draftWords,
  failed,
  keepMine,
  kept,
  moved,
  opened,
  sending,
  takeTheirs,
  waitMs,
  wantsSending,
} from "./draft";

test("a change is sent once, and the words follow", () => {
  let draft = opened("a", 1);
  expect([wantsSending(draft, "a"), draftWords(draft, "a")]).toEqual([false, "Up to date"]);
  expect([wantsSending(draft, "b"), draftWords(draft, "b")]).toEqual([true, "Unsaved changes"]);
  draft = sending(draft, "b");
  expect([wantsSending(draft, "c"), draftWords(draft, "c")]).toEqual([false, "Saving…"]);
  draft = kept(draft, "b", 2, 1000);
  expect([wantsSending(draft, "c"), draftWords(draft, "b")]).toEqual([true, "Saved"]);
});

test("a conflict stops everything until a person decides; mine then names their revision", () => {
  const draft = moved(sending(opened("a", 1), "mine"), "theirs", 7, "Ben", 1000);
  expect(wantsSending(draft, "mine, longer")).toBe(false);
  const mine = keepMine(draft);
  expect([mine.revision, wantsSending(mine, "mine")]).toEqual([7, true]);
  const theirs = takeTheirs(draft, "theirs");
  expect([theirs.revision, wantsSending(theirs, "theirs")]).toEqual([7, false]);
});

test("a failure is tried again, later each time; a refusal only when something changed", () => {
  let draft = failed(sending(opened("a", 1), "b"), "b", "no network", false);
  const first = waitMs(draft);
  draft = failed(sending(draft, "b"), "b", "no network", false);
  expect(waitMs(draft)).toBeGreaterThan(first);
  expect(wantsSending(draft, "b")).toBe(true);
  const refused = failed(draft, "b", "too big", true);
  expect([wantsSending(refused, "b"), wantsSending(refused, "c")]).toEqual([false, true]);
});
