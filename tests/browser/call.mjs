// The call of the README, played by two browsers. Ends with one line of JSON: the call's id and the moments of each phase.
import { browser, keep, pause, until } from "./stage.mjs";

const { DESK, PHONE, FOLDER, PICTURES } = process.env;
const story = { phases: {} };
const seconds = 1000;

/** Lets a phase sound for a while and notes its bounds. */
async function phase(name, ms) {
  const from = Date.now();
  await pause(ms);
  story.phases[name] = [from, Date.now()];
}

/** Keeps both pages as they look now, if someone asked for pictures. */
async function picture(name) {
  if (!PICTURES) return;
  await agent.page.screenshot({ path: `${PICTURES}/${name}-desk.png` });
  await caller.page.screenshot({ path: `${PICTURES}/${name}-phone.png` });
}

const caller = await browser(`${FOLDER}/caller.wav`);
const agent = await browser(`${FOLDER}/agent.wav`);
try {
  await agent.page.goto(DESK);
  await agent.page.getByLabel(/e-?mail/i).fill("ana@demo.example");
  await agent.page.getByLabel(/password/i).fill("patchbay-demo");
  await agent.page.getByRole("button", { name: /sign in/i }).click();
  await agent.page.getByRole("button", { name: "Go Available" }).click();
  await agent.page.locator('aside p:text-is("Ready")').first().waitFor();

  await caller.page.goto(`${PHONE}/?source=microphone`);
  await caller.page.locator("#call").click();
  await until("the caller hears something", () => caller.page.evaluate(() => window.__heard.blocks.some(([, b]) => b.some((x) => Math.abs(x) > 0.02))));
  story.call = await caller.page.evaluate(() => window.__phone.call);
  // Press a wrong digit once the welcome is over and the menu speaks; the menu is then spoken again.
  await pause(4 * seconds);
  await caller.page.keyboard.press("8");
  await pause(1.5 * seconds);
  await phase("prompt", 3 * seconds);
  await caller.page.keyboard.press("1");

  const answer = agent.page.getByRole("button", { name: "Answer" }).first();
  await answer.waitFor();
  await picture("ringing");
  await phase("queue", 3 * seconds);
  await answer.click();
  const hold = agent.page.getByRole("button", { name: "Hold", exact: true });
  await hold.waitFor();
  await phase("talk", 4 * seconds);
  await picture("talk");
  await hold.click();
  await phase("hold", 4 * seconds);
  await picture("hold");
  await agent.page.getByRole("button", { name: /^On Hold/ }).click();
  await hold.waitFor();
  await phase("resumed", 4 * seconds);

  story.pressed_end = Date.now();
  await agent.page.getByRole("button", { name: "End", exact: true }).click();
  await caller.page.waitForFunction(() => window.__phone.state !== "talking", null, { polling: 10 });
  story.ended_phone = Date.now();
  await phase("over", 2 * seconds);
  await picture("over");

  story.heard_phone = await keep(caller.page, `${FOLDER}/phone.f32`);
  story.heard_desk = await keep(agent.page, `${FOLDER}/desk.f32`);
  console.log(JSON.stringify(story));
} catch (error) {
  await caller.page.screenshot({ path: `${FOLDER}/phone.png` });
  await agent.page.screenshot({ path: `${FOLDER}/desk.png` });
  console.error(error);
  process.exitCode = 1;
} finally {
  await caller.context.close();
  await agent.context.close();
}
