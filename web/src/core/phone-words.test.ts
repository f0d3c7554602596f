/** The softphone says what is wrong in a sentence, and what helps. */
import { expect, test } from "vitest";
import { newPhone, type PhoneState, type Told } from "./phone-state";
import { callWord, problems, since, standing } from "./phone-words";

const base: PhoneState<Told> = {
  ...newPhone<Told>(),
  link: { is: "open" },
  lead: "here",
  leg: "connected",
  told: { now: 0, presence: "available", reachable: true, ringing: [], call: null },
};
const call = { call: "a", caller: { name: "Maya", phone: "1" }, since: 0, state: "connected" };
const onCall = (state: string): PhoneState<Told> => ({
  ...base,
  told: base.told && { ...base.told, call: { ...call, state } },
});

test("a reachable, available agent is ready and has no problem", () => {
  expect(standing(base).word).toBe("Ready");
  expect(problems(base, 0)).toEqual([]);
});

test("available without sound is not called ready", () => {
  expect(standing({ ...base, told: base.told && { ...base.told, reachable: false } }).word).toBe(
    "Getting ready",
  );
});

test("a lost line counts down to the next try and says that a call goes on", () => {
  const lost: PhoneState<Told> = { ...onCall("connected"), link: { is: "lost", retry_at: 3_500 } };
  expect(problems(lost, 1_000)[0]?.text).toBe(
    "The connection to the desk is gone. Your call goes on. Trying again in 3 s.",
  );
  expect(problems(lost, 9_000)[0]?.text).toContain("Trying again now.");
});

test("a tab that was closed for being one too many waits for its person", () => {
  const crowded: PhoneState<Told> = { ...base, link: { is: "lost", retry_at: Number.POSITIVE_INFINITY } };
  expect(problems(crowded, 1_000)[0]?.text).toBe(
    "The connection to the desk is gone. This tab waits for you.",
  );
});

test("another tab's phone is offered to this one", () => {
  expect(problems({ ...base, lead: "other_tab" }, 0)).toMatchObject([
    { deed: "use_this_tab", text: "Your phone is in another tab." },
  ]);
});

test("a blocked microphone has a button", () => {
  expect(problems({ ...base, mic: "blocked" }, 0)).toMatchObject([{ deed: "try_microphone", tone: "stop" }]);
});

test("a call is reconnecting when this tab's sound is away, whatever the desk still thinks", () => {
  expect(callWord(onCall("connected"))).toBe("Connected");
  expect(callWord({ ...onCall("connected"), leg: "lost" })).toBe("Reconnecting");
  expect(callWord(onCall("on_hold"))).toBe("On Hold");
});

test("a timer never runs backwards", () => {
  expect(since({ ...base, desk_ahead_ms: -500 }, 1_000, 1_200)).toBe(0);
});
