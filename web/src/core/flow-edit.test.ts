/** Changes to a flow keep its rules, and every one can be undone to the byte. */
import { expect, test } from "vitest";
import { blankNode, DAYS, type Flow, type FlowNode, KEYS, KINDS, nodeOf, toSend, whole } from "./flow";
import { copy, paste } from "./flow-clipboard";
import {
  addInto,
  addNode,
  addNote,
  addOption,
  bridgeOver,
  connect,
  disconnect,
  move,
  remove,
  removeAndBridge,
  removeOption,
  setEntry,
  setName,
  setNode,
  setNote,
  setOption,
  whyNot,
} from "./flow-edit";
import { handlesOf } from "./flow-words";
import { begin, change, type History, pause, redo, undo } from "./history";

const EMPTY = whole({});

/** A small generator with a seed (mulberry32), so that a failure can be seen again. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function pick<T>(roll: (below: number) => number, from: readonly T[]): T | undefined {
  return from.length > 0 ? from[roll(from.length)] : undefined;
}

/** One change of any sort. */
function randomEdit(flow: Flow, roll: (below: number) => number): Flow {
  const node = pick(roll, flow.nodes);
  const other = pick(roll, flow.nodes);
  const id = node?.id ?? "";
  const edits: (() => Flow)[] = [
    () => addNode(flow, pick(roll, KINDS) ?? "menu", { x: roll(900), y: roll(900) }).flow,
    () => addOption(flow, id),
    () => setOption(flow, id, roll(3), { digit: pick(roll, KEYS) ?? "1" }),
    () => removeOption(flow, id, roll(3)),
    () =>
      connect(flow, { from: id, on: (node && pick(roll, handlesOf(node))?.on) ?? "", to: other?.id ?? "" }),
    () => disconnect(flow, { from: id, on: (node && pick(roll, handlesOf(node))?.on) ?? "" }),
    () => move(flow, new Map([[id, { x: roll(900) + 0.4, y: roll(900) }]])),
    () => setNode(flow, id, { name: `n${roll(1000)}` }),
    () => setNode(flow, id, node && "prompt" in node ? { prompt: { text: `says ${roll(99)}` } } : {}),
    () => remove(flow, new Set([id])),
    () => removeAndBridge(flow, id),
    () => setEntry(flow, id),
    () => setName(flow, `f${roll(99)}`),
    () => addNote(flow, { x: roll(900), y: roll(900) }).flow,
    () => setNote(flow, pick(roll, flow.notes)?.id ?? "", { text: `t${roll(99)}` }),
    () => paste(flow, copy(flow, new Set([id, other?.id ?? ""])))?.flow ?? flow,
    () => {
      const exit = pick(roll, flow.exits);
      return exit ? addInto(flow, pick(roll, KINDS) ?? "menu", { x: 1, y: 1 }, exit).flow : flow;
    },
  ];
  return edits[roll(edits.length)]?.() ?? flow;
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "undo to empty and redo to full give the same bytes (seed %i)",
  (seed) => {
    const roll = dice(seed);
    let history: History<Flow> = begin(EMPTY);
    const seen = [JSON.stringify(EMPTY)];
    for (let n = 0; n < 400; n += 1) {
      const before = history.past.length;
      history = change(history, randomEdit(history.now, roll), `edit ${n}`);
      if (history.past.length > before) seen.push(JSON.stringify(history.now));
    }
    const full = JSON.stringify(history.now);
    for (let n = seen.length - 1; n >= 0; n -= 1) {
      expect(JSON.stringify(history.now)).toBe(seen[n]);
      history = undo(history);
    }
    expect(JSON.stringify(history.now)).toBe(JSON.stringify(EMPTY));
    expect(history.past).toEqual([]);
    for (let n = 1; n < seen.length; n += 1) {
      history = redo(history);
      expect(JSON.stringify(history.now)).toBe(seen[n]);
    }
    expect(JSON.stringify(history.now)).toBe(full);
  },
);

test.each([11, 12, 13, 14])("whatever is done, the flow holds together (seed %i)", (seed) => {
  const roll = dice(seed);
  let flow = EMPTY;
  for (let n = 0; n < 500; n += 1) {
    flow = randomEdit(flow, roll);
    const ids = [...flow.nodes, ...flow.notes].map((thing) => thing.id);
    expect(new Set(ids).size).toBe(ids.length);
    const keys = flow.exits.map((e) => `${e.from} ${e.on}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const exit of flow.exits) {
      const from = nodeOf(flow, exit.from);
      expect(from && handlesOf(from).map((h) => h.on)).toContain(exit.on);
      expect(nodeOf(flow, exit.to)).toBeDefined();
    }
    for (const { at } of flow.nodes) expect([at.x, at.y].every(Number.isInteger)).toBe(true);
    expect(whole(JSON.parse(JSON.stringify(toSend(flow))))).toEqual(flow);
  }
});

test("every field of every node survives the way to the server and back", () => {
  const nodes: FlowNode[] = [
    {
      ...blankNode("greeting", "a", { x: 1, y: 2 }, "A"),
      prompt: { clip: "x/y.ogg", text: "Hi" },
      interruptible: true,
    },
    {
      ...blankNode("menu", "b", { x: 1, y: 2 }, "B"),
      prompt: { text: "Press" },
      timeout_secs: 5,
      max_retries: 0,
      options: KEYS.map((digit) => ({ digit, label: `L${digit}` })),
    },
    {
      ...blankNode("gather", "c", { x: -3, y: 2 }, "C"),
      max_digits: 4,
      terminator: null,
      store_as: "pin",
      timeout_secs: 7,
      max_retries: 1,
      sensitive: true,
    },
    {
      ...blankNode("http_callback", "d", { x: 1, y: 2 }, "D"),
      url: "https://crm.example.com/{{pin}}",
      method: "POST",
      headers: [{ name: "X-Key", value: "1" }],
      body: '{"pin":"{{pin}}"}',
      timeout_secs: 3,
      store_response_as: "answer",
    },
    { ...blankNode("transfer", "e", { x: 1, y: 2 }, "E"), team: "team_sales" },
    { ...blankNode("goto_flow", "f", { x: 1, y: 2 }, "F"), flow: "flow_2" },
    {
      ...blankNode("timing", "g", { x: 1, y: 2 }, "G"),
      timezone: "Europe/Berlin",
      days: DAYS.map((day) => ({ day, enabled: day !== "sunday", start: "08:30", end: "24:00" })),
    },
    { id: "h", kind: "hangup", prompt: { clip: "bye.ogg" }, name: "H", at: { x: 1, y: 2 } },
    blankNode("hangup", "i", { x: 1, y: 2 }, ""),
  ];
  const flow = {
    ...EMPTY,
    name: "All",
    entry: "a",
    nodes,
    notes: [{ id: "n", text: "Why", at: { x: 0, y: 0 } }],
  };
  const text = JSON.stringify(toSend(flow));
  expect(JSON.stringify(toSend(whole(JSON.parse(text))))).toBe(text);
});

test("letters typed into one field are one step; a pause begins another", () => {
  let history = begin("");
  for (const text of ["S", "Sa", "Sal"]) history = change(history, text, "rename", "name of a");
  expect(history.past.length).toBe(1);
  history = change(pause(history), "Sale", "rename", "name of a");
  expect(history.past.length).toBe(2);
  expect(undo(history).now).toBe("Sal");
  expect(undo(undo(history)).now).toBe("");
});

test("changing a menu's key takes its line along and leaves the others", () => {
  let flow = addNode(EMPTY, "menu", { x: 0, y: 0 }).flow;
  flow = addNode(addNode(flow, "hangup", { x: 300, y: 0 }).flow, "transfer", { x: 300, y: 200 }).flow;
  flow = addOption(addOption(flow, "menu"), "menu");
  flow = connect(connect(flow, { from: "menu", on: "digit:1", to: "hangup" }), {
    from: "menu",
    on: "digit:2",
    to: "transfer",
  });
  const moved = setOption(flow, "menu", 0, { digit: "9" });
  expect(moved.exits).toEqual([
    { from: "menu", on: "digit:9", to: "hangup" },
    { from: "menu", on: "digit:2", to: "transfer" },
  ]);
  expect(setOption(flow, "menu", 0, { digit: "2" })).toBe(flow);
  expect(removeOption(flow, "menu", 0).exits).toEqual([{ from: "menu", on: "digit:2", to: "transfer" }]);
});

test("what ends the flow has no way out, and says so", () => {
  let flow = addNode(EMPTY, "hangup", { x: 0, y: 0 }).flow;
  flow = addNode(flow, "greeting", { x: 300, y: 0 }).flow;
  const exit = { from: "hangup", on: "default", to: "greeting" };
  expect(whyNot(flow, exit)).toBe("Hang up ends the flow here.");
  expect(connect(flow, exit)).toBe(flow);
  expect(whyNot(flow, { from: "greeting", on: "default", to: "hangup" })).toBeNull();
});

test("a node taken out of the middle can be bridged", () => {
  let flow = addNode(EMPTY, "greeting", { x: 0, y: 0 }).flow;
  flow = addNode(flow, "greeting", { x: 300, y: 0 }, { from: "greeting", on: "default" }).flow;
  flow = addNode(flow, "hangup", { x: 600, y: 0 }, { from: "greeting-2", on: "default" }).flow;
  expect(bridgeOver(flow, "greeting-2")).toBe("hangup");
  expect(removeAndBridge(flow, "greeting-2").exits).toEqual([
    { from: "greeting", on: "default", to: "hangup" },
  ]);
  expect(removeAndBridge(flow, "greeting").entry).toBe("greeting-2");
});

test("a node dropped on a line stands in the middle of it", () => {
  let flow = addNode(EMPTY, "greeting", { x: 0, y: 0 }).flow;
  flow = addNode(flow, "hangup", { x: 600, y: 0 }, { from: "greeting", on: "default" }).flow;
  const exit = flow.exits[0] ?? { from: "", on: "", to: "" };
  expect(addInto(flow, "gather", { x: 300, y: 0 }, exit).flow.exits).toEqual([
    { from: "greeting", on: "default", to: "digits" },
    { from: "digits", on: "default", to: "hangup" },
  ]);
});

test("what is copied can be pasted into another flow, and into the same one again", () => {
  let flow = addNode(EMPTY, "greeting", { x: 40, y: 60 }).flow;
  flow = addNode(flow, "hangup", { x: 340, y: 60 }, { from: "greeting", on: "default" }).flow;
  const text = copy(flow, new Set(["greeting", "hangup"]));
  const there = paste(EMPTY, text, { x: 0, y: 0 });
  expect(there?.flow.exits).toEqual(flow.exits);
  expect(there?.flow.entry).toBe("greeting");
  const again = paste(flow, text);
  expect([...(again?.ids ?? [])]).toEqual(["greeting-2", "hangup-2"]);
  expect(again?.flow.exits.at(-1)).toEqual({ from: "greeting-2", on: "default", to: "hangup-2" });
  expect(paste(flow, "hello")).toBeNull();
});
