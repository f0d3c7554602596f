/** Times, numbers, filters, keys, sounds and flows as people meet them. */
import { describe, expect, test } from "vitest";
import { BACKOFF_MS_MAX, backoffMs } from "./backoff";
import { apiQuery, filterOf, searchOf } from "./call-filter";
import { stagesOf } from "./call-stages";
import { endSentence, type Summed } from "./call-words";
import { backPath, turns } from "./flow-edges";
import { positions } from "./flow-layout";
import { handlesOf, summary } from "./flow-words";
import { peaksOf } from "./peaks";
import { deedOf } from "./phone-keys";
import { nameAndNumber, prettyNumber } from "./phone-number";
import { clockFace, dayEnd, dayStart, holdFace, momentLine, span, stay } from "./time";
import { keySamples, ringSamples } from "./tones";

describe("time", () => {
  test("clocks grow hours only when there are some", () => {
    expect([0, 42_900, 723_000, 3_723_000, -5].map(clockFace)).toEqual([
      "0:00",
      "0:42",
      "12:03",
      "1:02:03",
      "0:00",
    ]);
    expect(holdFace(42_000)).toBe("00:42");
  });
  test("spans are words, nothing is a dash", () => {
    expect([0, 400, 7_000, 133_000, 3_840_000].map(span)).toEqual([
      "–",
      "1 s",
      "7 s",
      "2 min 13 s",
      "1 h 04 min",
    ]);
    expect(span(null)).toBe("–");
    expect([5_000, 725_000, 7_500_000].map(stay)).toEqual(["less than a minute", "12 min", "2 h 05 min"]);
  });
  test("a moment of today is told by the clock alone", () => {
    const noon = new Date(2026, 10, 25, 12, 0).getTime();
    expect(momentLine(noon, noon + 3_600_000, "en-GB")).toBe("12:00");
    expect(momentLine(noon, noon + 86_400_000, "en-GB")).toBe("Yesterday, 12:00");
    expect(momentLine(noon, noon + 3 * 86_400_000, "en-GB")).toBe("25 Nov, 12:00");
  });
  test("a day runs from midnight to midnight, and nonsense is no day", () => {
    expect((dayEnd("2026-11-25") ?? 0) - (dayStart("2026-11-25") ?? 0)).toBe(86_400_000);
    expect(dayStart("yesterday")).toBeNull();
  });
});

describe("numbers", () => {
  test("are grouped after their country", () => {
    expect(prettyNumber("15559990000")).toBe("+1 555 999 0000");
    expect(prettyNumber("4915112345678")).toMatch(/^\+49 /);
    expect(prettyNumber("972541234567")).toMatch(/^\+972 /);
  });
  test("no digit is lost in grouping", () => {
    for (const digits of ["4369912345678", "3361234567", "97254123456", "919845012345", "4520123456"])
      expect(prettyNumber(digits).replace(/\D/g, "")).toBe(digits);
  });
  test("what is no number stays as it is", () => {
    expect(prettyNumber("Main line")).toBe("Main line");
  });
  test("a contact without a name is its number, without either unknown", () => {
    expect(nameAndNumber("15559990000", "15559990000")).toEqual({ name: "+1 555 999 0000", number: null });
    expect(nameAndNumber("", "")).toEqual({ name: "Unknown caller", number: null });
    expect(nameAndNumber("Maya", "15559990000")).toEqual({ name: "Maya", number: "+1 555 999 0000" });
  });
});

describe("filters", () => {
  test("survive the way through the URL, strangers fall away", () => {
    const search = new URLSearchParams("q=maya&status=missed&utm=x&agent=");
    expect(filterOf(search)).toEqual({ q: "maya", status: "missed" });
    expect(searchOf(filterOf(search))).toBe("status=missed&q=maya");
  });
  test("days become milliseconds and the last day counts whole", () => {
    const query = new URLSearchParams(apiQuery({ from: "2026-11-24", to: "2026-11-25" }, "c1", 40));
    expect(Number(query.get("to")) - Number(query.get("from"))).toBe(2 * 86_400_000);
    expect([query.get("cursor"), query.get("limit")]).toEqual(["c1", "40"]);
  });
});

describe("a call in words", () => {
  const call: Summed = {
    status: "completed",
    direction: "incoming",
    contact: { name: "Maya", phone: "1" },
    agent: { name: "Ben" },
    team: { name: "Sales" },
    flow: { name: "Main menu" },
    wait_ms: 7_000,
    talk_ms: 133_000,
    hold_ms: 0,
    ended_by: "caller",
    end_reason: null,
  };
  test("says who hung up after how much talk", () => {
    expect(endSentence(call)).toBe("Maya hung up after 2 min 13 s of talk.");
    expect(endSentence({ ...call, ended_by: "agent" })).toBe("Ben hung up after 2 min 13 s of talk.");
  });
  test("gives the reason when there is one", () => {
    expect(endSentence({ ...call, status: "missed", ended_by: "system", end_reason: "no_answer" })).toBe(
      "Nobody of Sales answered in 7 s.",
    );
  });
  test("tells a reason it has not met as plain words", () => {
    expect(endSentence({ ...call, status: "failed", end_reason: "disk_is_full" })).toContain("Disk is full.");
    expect(endSentence({ ...call, status: "rejected", end_reason: "no_flow" })).toContain(
      "No flow starts at this number.",
    );
  });
  test("has its stages without gaps, hold apart from talk", () => {
    const stages = stagesOf(
      {
        started_at: 0,
        answered_at: 1_000,
        queued_at: 5_000,
        connected_at: 9_000,
        ended_at: 60_000,
        timeline: [
          { at: 20_000, kind: "held" },
          { at: 30_000, kind: "resumed" },
        ],
      },
      99_000,
    );
    expect(stages.map((s) => s.is)).toEqual(["ringing", "flow", "waiting", "talk", "hold", "talk"]);
    expect(stages.every((s, at) => at === 0 || s.from_ms === stages[at - 1]?.to_ms)).toBe(true);
    expect(stages.at(-1)?.to_ms).toBe(60_000);
  });
});

test("waiting doubles up to its limit and differs by a quarter at most", () => {
  expect([0, 1, 2].map((n) => backoffMs(n, 0.5))).toEqual([500, 1000, 2000]);
  expect(backoffMs(40, 1)).toBe(BACKOFF_MS_MAX * 1.25);
});

describe("keys of the phone", () => {
  const idle = { ringing: false, on_call: false, keypad_open: false };
  test("do nothing that makes no sense now", () => {
    expect(["a", "d", "m", "h", "e", "5"].map((k) => deedOf(k, idle))).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
  });
  test("answer, hold and end where they should", () => {
    expect(deedOf("A", { ...idle, ringing: true })).toBe("answer");
    expect(deedOf("h", { ...idle, on_call: true })).toBe("hold");
    expect(deedOf("e", { ...idle, on_call: true })).toBe("end");
  });
  test("are digits while the keypad is open", () => {
    expect(deedOf("#", { ringing: false, on_call: true, keypad_open: true })).toEqual({ digit: "#" });
  });
});

describe("sounds", () => {
  test("never leave the range and start and end in silence", () => {
    for (const samples of [ringSamples(8_000), keySamples("5", 8_000)]) {
      expect(samples.every((s) => Math.abs(s) <= 1)).toBe(true);
      expect(samples.some((s) => Math.abs(s) > 0.2)).toBe(true);
      expect(Math.abs(samples[0] ?? 1)).toBeLessThan(0.01);
      expect(Math.abs(samples.at(-1) ?? 1)).toBeLessThan(0.01);
    }
  });
  test("an outline finds the one loud slice, and silence stays low", () => {
    const lane = new Float32Array(100);
    lane[55] = -0.8;
    expect(peaksOf([lane, new Float32Array(100)], 10)).toEqual([
      [0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
      Array(10).fill(0),
    ]);
  });
});

describe("a flow", () => {
  const options = [
    { digit: "1", label: "" },
    { digit: "2", label: "" },
  ];
  const node = (id: string, at?: { x: number; y: number }) => ({ id, kind: "menu", options, at });
  const exits = [
    { from: "a", on: "digit:1", to: "b" },
    { from: "a", on: "digit:2", to: "c" },
    { from: "c", on: "default", to: "a" },
  ];
  test("keeps the places its author gave", () => {
    const nodes = [node("a", { x: 5, y: 5 }), node("b", { x: 5, y: 400 })];
    expect(positions({ entry: "a", nodes, exits: [] }).get("b")).toEqual({ x: 5, y: 400 });
  });
  test("is laid out in columns when places are missing or one on another, loops and orphans included", () => {
    const nodes = ["a", "b", "c", "lost"].map((id) => node(id, { x: 0, y: 0 }));
    const placed = positions({ entry: "a", nodes, exits });
    expect(new Set([...placed.values()].map((p) => `${p.x},${p.y}`)).size).toBe(4);
    expect(placed.get("b")?.x).toBe(placed.get("c")?.x);
    expect((placed.get("b")?.y ?? 0) < (placed.get("c")?.y ?? 0)).toBe(true);
  });
  test("lets lines turn apart, and one that leads back runs below everything", () => {
    const at = turns([
      { id: "1", rise: -200 },
      { id: "2", rise: -90 },
      { id: "9", rise: 60 },
    ]);
    expect((at.get("1") ?? 1) < (at.get("2") ?? 0)).toBe(true);
    expect(backPath({ x: 300, y: 0 }, { x: 0, y: 0 }, 500)).toContain("500");
  });
  test("shows a handle for every way out of a menu", () => {
    const menu = {
      kind: "menu",
      options: [{ digit: "1", label: "Sales" }],
      timeout_secs: 10,
      max_retries: 1,
    };
    expect(handlesOf(menu).map((h) => h.on)).toEqual(["digit:1", "timeout", "max_retries", "default"]);
    expect(summary(menu)).toBe("1 option · 10 s · 1 retry");
  });
});
