// An admin draws in the demo flow, by keys and by mouse, mends what is wrong, and publishes. Ends with one line of JSON.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { browser, until } from "./stage.mjs";

const { DESK, FOLDER } = process.env;
const axe = readFileSync(createRequire(new URL("../../web/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8");
const found = [];

const admin = await browser(`${FOLDER}/agent.wav`);
const { page } = admin;
try {
  await signIn("admin@demo.example");
  await page.getByRole("link", { name: "Flows" }).click();
  await page.getByRole("button", { name: "More for Main menu" }).waitFor();
  await look("flows");
  await page.getByRole("button", { name: "New flow" }).click();
  await look("new flow");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Main menu", exact: true }).click();
  await page.getByRole("button", { name: "Add Menu" }).waitFor();
  await look("editor");

  await drawByKeys();
  await until("the errors are told", () => page.getByRole("button", { name: /error/ }).isVisible());
  await look("editor with a node and its errors");
  await drawByMouse();
  await mend();
  await copyAndRemove();
  await undoAndRedo();
  await lookAround();
  const version = await publish();
  await lookAtSettings();
  console.log(JSON.stringify({ version, violations: found }));
} catch (error) {
  await page.screenshot({ path: `${FOLDER}/editor.png` });
  console.error(error);
  process.exitCode = 1;
} finally {
  await admin.context.close();
}

async function signIn(email) {
  await page.goto(DESK);
  await page.getByLabel(/e-?mail/i).waitFor();
  await look("login");
  await page.getByLabel(/e-?mail/i).fill(email);
  await page.getByLabel(/password/i).fill("patchbay-demo");
  await page.getByRole("button", { name: /sign in/i }).click();
}

/** A new key in the menu that leads to a new node, without touching the mouse. */
async function drawByKeys() {
  await page.keyboard.press("Control+f");
  await page.keyboard.type("main menu");
  await page.keyboard.press("Enter");
  await focused(/^Main menu: Menu/);
  await page.keyboard.press("Enter");
  await until("the name is being edited", () => page.getByLabel("Name", { exact: true }).evaluate((field) => field === document.activeElement));
  await tabTo("Add a key");
  await page.keyboard.press("Enter");
  await tabTo("What key 4 stands for", "Shift+Tab");
  await page.keyboard.type("Account");
  await tabTo("4 Account: Nowhere yet");
  await page.keyboard.press("Enter");
  await page.getByRole("menuitemradio", { name: "New: Gather digits" }).waitFor();
  await tabTo("New: Gather digits", "ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Properties of Gather digits" }).waitFor();
  await page.getByLabel("Name", { exact: true }).focus();
  await page.keyboard.type("Your number");
  await tabTo("Store the digits as");
  await page.keyboard.type("account");
}

/** A goodbye dragged from the palette, joined by a line drawn from the handle. */
async function drawByMouse() {
  await page.getByRole("button", { name: "Show all" }).click();
  const board = await page.locator("[data-board]").boundingBox();
  const spot = { x: board.x + 330, y: board.y + board.height - 150 };
  const from = await page.getByRole("button", { name: "Add Hang up" }).boundingBox();
  await page.mouse.move(from.x + 20, from.y + 15);
  await page.mouse.down();
  await page.mouse.move(from.x + 60, from.y + 60, { steps: 4 });
  await page.mouse.move(spot.x, spot.y, { steps: 6 });
  await page.mouse.up();
  await page.getByRole("region", { name: "Properties of Hang up" }).waitFor();
  await page.getByLabel("Name", { exact: true }).fill("Thank you");
  await page.getByRole("region", { name: "Properties of Thank you" }).getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Show all" }).click();
  await settled();
  const pin = page.locator('.react-flow__node[data-id="digits"] .react-flow__handle[data-handleid="default"]');
  const target = page.locator('.react-flow__node[data-id^="hangup"] .react-flow__handle.target');
  const [start, end] = [await pin.boundingBox(), await target.boundingBox()];
  await page.mouse.move(start.x + start.width / 2, start.y + start.height / 2);
  await page.mouse.down();
  await page.mouse.move(end.x - 40, end.y - 20, { steps: 8 });
  await page.mouse.move(end.x + end.width / 2, end.y + end.height / 2, { steps: 4 });
  await page.mouse.up();
  await page.locator('.react-flow__edge[data-id="digits default"]').waitFor({ state: "attached" });
}

/** What lint says is mended where it says it: one press, and a clip for the question. */
async function mend() {
  await page.getByRole("button", { name: /error/ }).click();
  const problems = page.getByRole("region", { name: "Problems" });
  await problems.getByRole("button", { name: /Lead to/ }).first().click();
  await page.locator('.react-flow__edge[data-id="digits max_retries"]').waitFor({ state: "attached" });
  await problems.getByRole("button", { name: "Go to “Your number”" }).first().click();
  await page.getByRole("button", { name: "Close the problems" }).click();
  await page.getByRole("button", { name: "Clip: No clip" }).click();
  await page.getByRole("menuitemradio", { name: /menu/ }).first().click();
  await until("nothing is wrong any more", () => page.getByRole("button", { name: /^No problems|^\d+ warning/ }).isVisible());
}

/** All of it twice, and the second half away again. */
async function copyAndRemove() {
  const nodes = page.locator(".react-flow__node");
  const before = await nodes.count();
  await page.locator("[data-board]").click({ position: { x: 400, y: 8 } });
  for (const keys of ["Control+a", "Control+c", "Control+v"]) await page.keyboard.press(keys);
  await until("everything is there twice", async () => (await nodes.count()) === 2 * before);
  await page.keyboard.press("Delete");
  await until("the copies are gone", async () => (await nodes.count()) === before);
}

/** Everything back to the beginning and forth again: the same drawing. */
async function undoAndRedo() {
  const nodes = page.locator(".react-flow__node");
  const before = await nodes.count();
  const undo = page.getByRole("button", { name: /^Undo/ });
  while (await undo.isEnabled()) await undo.click();
  await until("the first drawing is back", async () => (await nodes.count()) === before - 2);
  const redo = page.getByRole("button", { name: /^Redo/ });
  while (await redo.isEnabled()) await redo.click();
  await until("the last drawing is back", async () => (await nodes.count()) === before);
}

/** The outline, trying it out, versions: each looked at by axe. */
async function lookAround() {
  await page.getByRole("button", { name: "Show the outline" }).click();
  await page.getByRole("button", { name: "Edit Your number" }).waitFor();
  await look("outline");
  await page.getByRole("button", { name: "Show the drawing" }).click();
  await page.getByRole("button", { name: "Try" }).click();
  for (const key of ["4", "7", "7", "#"]) await page.getByRole("button", { name: `Press ${key}`, exact: true }).click();
  await until("the call that is tried ends", () => page.getByText("The flow hung up").isVisible());
  await look("trying");
  await page.getByRole("region", { name: "Try the flow" }).getByRole("button", { name: "Close" }).click();
  await page.setViewportSize({ width: 360, height: 760 });
  await look("editor on a small window");
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function publish() {
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Publish" });
  await dialog.getByLabel("Note").fill("Callers can type their account number");
  await look("publishing");
  await dialog.getByRole("button", { name: "Publish v2" }).click();
  await until("it is published", () => page.getByText("same as v2").isVisible());
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Versions" }).click();
  await page.getByRole("heading", { name: "Version 2" }).waitFor();
  await look("versions");
  await page.getByRole("button", { name: "Compare" }).last().click();
  await page.getByRole("region", { name: "Since v1" }).waitFor();
  await look("comparing");
  return 2;
}

/** Each page of the settings, as an admin finds it. */
async function lookAtSettings() {
  await page.getByRole("link", { name: "Settings" }).click();
  for (const subject of ["Numbers", "Calling", "Audio", "Teams", "People"]) {
    await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: subject }).click();
    await page.getByRole("heading", { name: subject, level: 1 }).waitFor();
    await until(`${subject} is loaded`, async () => (await page.getByRole("status", { name: /Loading/ }).count()) === 0);
    await look(`settings, ${subject}`);
  }
}

async function tabTo(name, key = "Tab") {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await activeName(name)) return;
    await page.evaluate(() => {
      window.__focused = document.activeElement;
    });
    await page.keyboard.press(key);
    await until("the focus has moved on", () => page.evaluate(() => document.activeElement !== window.__focused));
  }
  throw new Error(`${name} cannot be reached by ${key}`);
}

/** Is the thing with the focus called that? */
function activeName(name) {
  return page.evaluate((wanted) => {
    const at = document.activeElement;
    const label = at?.getAttribute("aria-label") ?? at?.labels?.[0]?.textContent ?? at?.textContent ?? "";
    return label.trim() === wanted;
  }, name);
}

async function focused(name) {
  await until(`${name} has the focus`, async () => name.test((await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))) ?? ""));
}

/** Until the canvas has stopped moving. */
async function settled() {
  const where = () => page.locator(".react-flow__viewport").evaluate((view) => view.style.transform);
  let last = "";
  await until("the canvas rests", async () => {
    const now = await where();
    const rests = now === last;
    last = now;
    await new Promise((go) => setTimeout(go, 60));
    return rests;
  });
}

/** Runs in the page: waits until no colour glides any more. A child's glide may begin when its parent's has ended. */
async function stands() {
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  for (;;) {
    await frame();
    await frame();
    const moves = document.getAnimations().filter((move) => move.playState === "running" && move.effect?.getComputedTiming().iterations !== Infinity);
    if (moves.length === 0) return;
    await Promise.allSettled(moves.map((move) => move.finished));
  }
}

/** axe on the page as it stands, in both themes. */
async function look(where) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.evaluate(stands);
    if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
    const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, nodes } of result.violations) found.push({ where, theme, id, html: nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.failureSummary?.split("\n")[1] ?? ""}`) });
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}
