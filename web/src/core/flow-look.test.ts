/** What is shown of a flow: its layout, outline, differences, search, fixes, words and keys. */
import { expect, test } from "vitest";
import { type Flow, whole } from "./flow";
import {
  checkBody,
  checkBraces,
  checkNumber,
  checkTime,
  checkTimezone,
  checkUrl,
  checkVariable,
  tidyTime,
} from "./flow-check";
import { bothFlows, diffFlows, diffSentences } from "./flow-diff";
import { addNode, addOption, connect, move, remove, setNode, whyNot } from "./flow-edit";
import { fixesOf } from "./flow-fix";
import { deedOf, walk } from "./flow-keys";
import { layout, positions } from "./flow-layout";
import { outline } from "./flow-outline";
import { find } from "./flow-search";
import { heightOf, NODE_WIDTH } from "./flow-size";
import { TEMPLATES } from "./flow-templates";
import { eventsOf } from "./try-script";

/** greeting → menu (1 transfer, 2 hangup, retries hangup), and one nobody reaches. */
function sample(): Flow {
  let flow = addNode(whole({ name: "Front" }), "greeting", { x: 0, y: 0 }).flow;
  flow = addNode(flow, "menu", { x: 0, y: 0 }, { from: "greeting", on: "default" }).flow;
  flow = addOption(addOption(flow, "menu"), "menu");
  flow = addNode(flow, "transfer", { x: 0, y: 0 }, { from: "menu", on: "digit:1" }).flow;
  flow = addNode(flow, "hangup", { x: 0, y: 0 }, { from: "menu", on: "digit:2" }).flow;
  flow = connect(flow, { from: "menu", on: "max_retries", to: "hangup" });
  flow = addNode(flow, "gather", { x: 0, y: 0 }).flow;
  return setNode(flow, "menu", { name: "Main menu", prompt: { text: "Sales or goodbye?" } });
}

function wide(nodes: number): Flow {
  let flow = whole({ name: "Wide" });
  for (let n = 0; n < nodes; n += 1) {
    const added = addNode(flow, n % 7 === 6 ? "hangup" : "menu", { x: 0, y: 0 });
    flow = n % 7 === 6 ? added.flow : addOption(addOption(added.flow, added.id), added.id);
    const from = flow.nodes[Math.floor((n - 1) / 2)];
    if (n > 0 && from)
      flow = connect(flow, { from: from.id, on: `digit:${1 + ((n - 1) % 2)}`, to: added.id });
  }
  return flow;
}

test.each([1, 2, 30, 300])(
  "a tidied flow of %i nodes covers nothing, and tidies to the same again",
  (count) => {
    const flow = wide(count);
    const spots = layout(flow);
    expect([...layout(structuredClone(flow))]).toEqual([...spots]);
    const boxes = flow.nodes.map((n) => ({ ...(spots.get(n.id) ?? { x: 0, y: 0 }), height: heightOf(n) }));
    const covered = boxes.filter((a, i) =>
      boxes.some((b, j) => {
        if (i === j || Math.abs(a.x - b.x) >= NODE_WIDTH) return false;
        return a.y < b.y + b.height && b.y < a.y + a.height;
      }),
    );
    expect(covered).toEqual([]);
    const placed = move(flow, spots);
    expect([...positions(placed)]).toEqual(placed.nodes.map((n) => [n.id, n.at]));
    expect([...layout(placed)]).toEqual([...spots]);
  },
);

test("the outline names every node once, in the order a caller meets them, and every exit", () => {
  const rows = outline(sample());
  expect(rows.map((r) => [r.node.id, r.depth, r.reached])).toEqual([
    ["greeting", 0, true],
    ["menu", 1, true],
    ["transfer", 2, true],
    ["hangup", 2, true],
    ["digits", 0, false],
  ]);
  expect(rows[1]?.exits.map((e) => [e.label, e.toTitle])).toEqual([
    ["1", "Transfer"],
    ["2", "Hang up"],
    ["silence", null],
    ["retries used up", "Hang up"],
    ["other key", null],
  ]);
  expect(rows[3]?.from).toEqual(["Main menu, 2", "Main menu, retries used up"]);
});

test("differences are told node by node, field by field, line by line; a move is none", () => {
  const before = sample();
  expect(diffFlows(before, move(before, new Map([["menu", { x: 5, y: 5 }]]))).count).toBe(0);
  let after = setNode(before, "menu", { timeout_secs: 5 });
  after = connect(remove(after, new Set(["digits"])), { from: "menu", on: "digit:2", to: "transfer" });
  const diff = diffFlows(before, after);
  expect([...diff.nodes]).toEqual([
    ["menu", "changed"],
    ["digits", "removed"],
  ]);
  expect([...diff.exits]).toEqual([["menu digit:2", "changed"]]);
  expect(bothFlows(before, after).nodes.map((n) => n.id)).toContain("digits");
  expect(diffSentences(before, after).map((l) => l.text)).toEqual([
    "Main menu: seconds to wait 10 → 5",
    "Main menu: 2 now leads to “Transfer”",
    "Removed “Gather digits”",
  ]);
});

test.each(TEMPLATES.map((t) => [t.id, t] as const))(
  "the template %s holds together and covers nothing",
  (_, template) => {
    const flow = template.flow("Desk");
    for (const exit of flow.exits) expect(whyNot(flow, exit)).toBeNull();
    expect(outline(flow).every((row) => row.reached)).toBe(true);
    expect([...positions(flow)]).toEqual(flow.nodes.map((n) => [n.id, n.at]));
  },
);

test("a call that is tried presses keys once it was asked, and silence makes the next one late", () => {
  expect(eventsOf([{ press: "1" }, { wait: true }, { press: "2" }, { hang_up: true }], 9000)).toEqual([
    { once_asked: true, after_ms: 500, press: "1", hang_up: false },
    { once_asked: true, after_ms: 9500, press: "2", hang_up: false },
    { once_asked: true, after_ms: 500, press: "", hang_up: true },
  ]);
});

test("search finds words anywhere in a node, and what is the matter with it", () => {
  const about = { invalid: new Set(["menu"]), unreachable: new Set(["digits"]), changed: new Set<string>() };
  expect(find(sample(), "goodbye sales", about).map((f) => f.id)).toEqual(["menu"]);
  expect(find(sample(), "is:unreachable", about).map((f) => f.id)).toEqual(["digits"]);
  expect(find(sample(), "is:invalid nothing", about)).toEqual([]);
});

test("obvious problems are mended with one press", () => {
  const flow = remove(sample(), new Set(["hangup"]));
  const fix = fixesOf(flow, { code: "unconnected", node: "menu" })[0];
  expect(fix?.label).toBe("Hang up there");
  expect(fix?.apply(flow).exits).toContainEqual({ from: "menu", on: "max_retries", to: "hangup" });
  const lost = { ...flow, entry: "" };
  expect(fixesOf(lost, { code: "no_entry", node: null })[0]?.apply(lost).entry).toBe("greeting");
  expect(fixesOf(flow, { code: "unreachable", node: "digits" })[0]?.apply(flow).nodes.length).toBe(3);
});

test("what is typed is judged in words", () => {
  expect(checkNumber("0", 1, 120, "seconds")).toBe("At least 1 seconds.");
  expect(checkNumber("12", 1, 120)).toBeNull();
  expect(checkNumber("1.5", 1, 120)).toBe("A whole number from 1 to 120.");
  expect(checkVariable("account no", true)).toContain("Letters");
  expect(checkVariable("caller_id", true)).toContain("cannot be overwritten");
  expect(checkUrl("ftp://x")).toContain("https://");
  expect(checkUrl("https://{{host}}/x")).toContain("host is written out");
  expect(checkUrl("https://crm.example.com/{{account}}")).toBeNull();
  expect(checkBraces("Hello {{name")).toContain("{{name}}");
  expect(checkBody('{"a": {{b}} }')).toContain("inside quotes");
  expect(checkBody('{"a": "{{b}}"}')).toBeNull();
  expect([checkTime("24:00", true), checkTime("24:00", false) !== null]).toEqual([null, true]);
  expect([tidyTime("9"), tidyTime("930"), tidyTime("9:30")]).toEqual(["09:00", "09:30", "09:30"]);
  expect([checkTimezone("Europe/Berlin"), checkTimezone("Mars/One") !== null]).toEqual([null, true]);
});

test("letters work on the canvas only, chords everywhere but where a text field needs them", () => {
  const press = (key: string, more = {}) => ({ key, ctrl: false, shift: false, alt: false, ...more });
  expect(deedOf(press("c"), { canvas: true, typing: false })).toBe("connect");
  expect(deedOf(press("c"), { canvas: false, typing: false })).toBeNull();
  expect(deedOf(press("z", { ctrl: true }), { canvas: false, typing: true })).toBe("undo");
  expect(deedOf(press("v", { ctrl: true }), { canvas: false, typing: true })).toBeNull();
  expect(deedOf(press("Z", { ctrl: true, shift: true }), { canvas: true, typing: false })).toBe("redo");
  expect(deedOf(press("?", { shift: true }), { canvas: true, typing: false })).toBe("help");
});

test("one walks along the lines: with the caller, against, and among siblings", () => {
  const flow = sample();
  expect(walk(flow, "menu", "right")).toBe("transfer");
  expect(walk(flow, "transfer", "down")).toBe("hangup");
  expect(walk(flow, "hangup", "left")).toBe("menu");
  expect(walk(flow, "greeting", "left")).toBeUndefined();
});
