/** What the softphone's state must do, whatever the order of happenings. */
import { describe, expect, test } from "vitest";
import {
  answering,
  type Happening,
  newPhone,
  next,
  type PhoneState,
  stillRinging,
  type Told,
  wantsLeg,
  wantsMic,
} from "./phone-state";

const quiet: Told = { now: 10_000, presence: "available", reachable: true, ringing: [], call: null };
const ringing: Told = { ...quiet, ringing: [{ call: "a" }, { call: "b" }] };
const talking: Told = {
  ...quiet,
  call: { call: "a", caller: { name: "Maya", phone: "97254" }, since: 2_000, state: "connected" },
};

function given(...happenings: Happening<Told>[]): PhoneState<Told> {
  return happenings.reduce(next, newPhone<Told>());
}
const told = (t: Told, at = 10_000): Happening<Told> => ({ is: "told", told: t, at });
const here: Happening<Told> = { is: "lead", lead: "here" };

describe("the standing leg", () => {
  test("is wanted by the leading tab of an agent on duty, and by nobody else", () => {
    expect(wantsLeg(given(here, told(quiet)))).toBe(true);
    expect(wantsLeg(given(told(quiet)))).toBe(false);
    expect(wantsLeg(given(here, told({ ...quiet, presence: "offline" })))).toBe(false);
    expect(wantsLeg(given(here, told({ ...talking, presence: "offline" })))).toBe(true);
  });
  test("stays with the other tab that took it, whichever news comes first", () => {
    const other: Happening<Told> = { is: "lead", lead: "other_tab" };
    expect(given(here, other, { is: "detached" }).lead).toBe("other_tab");
    expect(given(here, { is: "detached" }, other).lead).toBe("other_tab");
  });
  test("is let go when another window has taken the phone", () => {
    expect(wantsLeg(given(here, told(quiet), { is: "detached" }))).toBe(false);
  });
});

describe("the microphone", () => {
  test("is off while calls only ring", () => {
    expect(wantsMic(given(here, told(ringing)))).toBe(false);
  });
  test("opens at the press of Answer, before the desk has spoken", () => {
    expect(wantsMic(given(here, told(ringing), { is: "pressed", call: "a", what: "answer" }))).toBe(true);
  });
  test("does not blink between the end of the ringing and the call", () => {
    const between = given(here, told(ringing), { is: "pressed", call: "a", what: "answer" }, told(quiet));
    expect(wantsMic(between)).toBe(true);
    expect(wantsMic(next(between, told(talking)))).toBe(true);
    expect(answering(next(between, told(talking)))).toBeNull();
  });
  test("closes when another agent was quicker", () => {
    const late = given(here, told(ringing), { is: "pressed", call: "a", what: "answer" }, told(quiet), {
      is: "unpressed",
      call: "a",
    });
    expect(wantsMic(late)).toBe(false);
    expect(answering(late)).toBeNull();
  });
  test("closes when the call is over", () => {
    expect(wantsMic(given(here, told(talking), told(quiet)))).toBe(false);
  });
});

describe("ringing", () => {
  test("stops for a call the moment a button is pressed", () => {
    const pressed = given(told(ringing), { is: "pressed", call: "a", what: "decline" });
    expect(stillRinging(pressed).map((r) => r.call)).toEqual(["b"]);
  });
  test("comes back when the desk refuses the press", () => {
    const refused = given(
      told(ringing),
      { is: "pressed", call: "a", what: "answer" },
      { is: "unpressed", call: "a" },
    );
    expect(stillRinging(refused)).toHaveLength(2);
  });
  test("forgets presses on calls that are gone", () => {
    const gone = given(
      told(ringing),
      { is: "pressed", call: "a", what: "decline" },
      told(quiet),
      told(ringing),
    );
    expect(stillRinging(gone)).toHaveLength(2);
  });
});

describe("the end of a call", () => {
  test("leaves a summary with the length of the talk", () => {
    expect(given(told(talking), told(quiet)).ended).toEqual({ call: "a", name: "Maya", talk_ms: 8_000 });
  });
  test("unmutes for the next one", () => {
    expect(given(told(talking), { is: "muted", muted: true }, told(quiet)).muted).toBe(false);
  });
  test("is forgotten when the next call begins", () => {
    const call = { ...talking, call: talking.call && { ...talking.call, call: "c" } };
    expect(given(told(talking), told(quiet), told(call)).ended).toBeNull();
  });
});

test("timers run on the desk's clock", () => {
  expect(given(told(quiet, 4_000)).desk_ahead_ms).toBe(6_000);
});

test("at most three notices are kept", () => {
  const four = ["1", "2", "3", "4"].map((text): Happening<Told> => ({ is: "notice", text }));
  expect(given(...four).notices.map((n) => n.text)).toEqual(["2", "3", "4"]);
});
