/** The softphone: joins the desk's line, the tab's lead, the standing leg, the microphone and the ring into one state. */
import { PhoneLine } from "../../api/phone-line";
import type { Ask, Presence, Softphone } from "../../api/words";
import { nameAndNumber } from "../../core/phone-number";
import {
  type Happening,
  newPhone,
  next,
  type PhoneState,
  stillRinging,
  wantsLeg,
  wantsMic,
} from "../../core/phone-state";
import { Attention } from "./Attention";
import { Microphone, microphonePermission } from "./Microphone";
import { Sounder } from "./Sounder";
import { StandingLeg } from "./StandingLeg";
import { TabLead } from "./TabLead";

export type PhoneView = PhoneState<Softphone>;

export class Phone {
  readonly sounder = new Sounder();
  #state: PhoneView = newPhone();
  #watchers = new Set<() => void>();
  #line: PhoneLine;
  #lead: TabLead;
  #leg: StandingLeg;
  #mic: Microphone;
  #attention = new Attention();
  #ringing = "";
  #wake: Promise<WakeLockSentinel> | null = null;
  #recheck: ReturnType<typeof setTimeout> | undefined;

  constructor(user: string, signedOut: () => void) {
    this.#line = new PhoneLine({
      link: (link) => {
        this.#happen({ is: "link", link });
        if (link.is === "open" && wantsLeg(this.#state) && this.#state.leg === "lost") this.#leg.renew();
      },
      told: (told) => this.#happen({ is: "told", told, at: Date.now() }),
      notice: (text) => this.#happen({ is: "notice", text }),
      detached: () => this.#happen({ is: "detached" }),
      signedOut,
    });
    this.#lead = new TabLead(`patchbay-phone-${user}`, (lead) => this.#happen({ is: "lead", lead }));
    this.#leg = new StandingLeg({
      attach: (offer) => this.#line.ask({ ask: "attach", offer }),
      state: (leg, trouble) => this.#happen({ is: "leg", leg, ...(trouble ? { trouble } : {}) }),
      soundBlocked: (blocked) => this.#happen({ is: "sound_blocked", blocked }),
    });
    this.#mic = new Microphone(
      (mic) => this.#happen({ is: "mic", mic }),
      (track) => void this.#leg.carry(track),
    );
  }

  /** Live until the returned function is called. */
  start(): () => void {
    const networkChanged = () =>
      this.#state.leg !== "connected" && wantsLeg(this.#state) && this.#leg.renew();
    addEventListener("online", networkChanged);
    addEventListener("pointerdown", this.sounder.unlock);
    addEventListener("keydown", this.sounder.unlock);
    window.__patchbay = {
      pc: () => this.#leg.pc,
      remote: () => this.#leg.remote,
      mic: () => this.#mic.stream,
    };
    this.#line.open();
    this.#lead.join();
    return () => {
      removeEventListener("online", networkChanged);
      removeEventListener("pointerdown", this.sounder.unlock);
      removeEventListener("keydown", this.sounder.unlock);
      clearTimeout(this.#recheck);
      this.#lead.leave();
      this.#line.close();
      this.#leg.close();
      this.#mic.close();
      this.sounder.stopRing();
      this.#attention.show([]);
      delete window.__patchbay;
    };
  }

  watch = (watcher: () => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  view = (): PhoneView => this.#state;

  get micStream(): MediaStream | null {
    return this.#mic.stream;
  }

  async presence(presence: Presence, reason: string | null = null) {
    if (presence === "available") {
      this.sounder.unlock();
      // The click that makes one Available is the moment to be asked, not the first caller's first second.
      if (
        this.#state.lead === "here" &&
        !this.#state.told?.call &&
        (await microphonePermission()) !== "granted"
      ) {
        if (!(await this.#mic.ask())) return;
      }
    }
    await this.#ask({ ask: "presence", presence, reason });
  }

  async answer(call: string) {
    if (this.#state.pressed[call]) return;
    if (this.#state.lead !== "here") this.takeOver();
    this.#happen({ is: "pressed", call, what: "answer" });
    // With the permission given, the microphone opens while the desk decides: talk starts at once.
    if ((await microphonePermission()) !== "granted" && !(await this.#mic.open())) {
      return this.#happen({ is: "unpressed", call });
    }
    await this.#ask({ ask: "answer", call });
    this.#happen({ is: "unpressed", call });
  }

  async decline(call: string) {
    if (this.#state.pressed[call]) return;
    this.#happen({ is: "pressed", call, what: "decline" });
    await this.#ask({ ask: "decline", call }, () => this.#happen({ is: "unpressed", call }));
  }

  mute(muted: boolean) {
    if (!this.#state.told?.call) return;
    this.#mic.mute(muted);
    this.#happen({ is: "muted", muted });
  }

  hold() {
    return this.#ask(this.#state.told?.call?.held_since == null ? { ask: "hold" } : { ask: "resume" });
  }

  hangUp() {
    return this.#ask({ ask: "hang_up" });
  }

  digits(digits: string) {
    for (const digit of digits.slice(0, 1)) this.sounder.key(digit);
    return this.#ask({ ask: "digits", digits });
  }

  takeOver() {
    this.sounder.unlock();
    this.#lead.take();
    void this.#leg.play();
  }

  async tryMicrophone() {
    if (wantsMic(this.#state)) await this.#leg.carry(await this.#mic.open());
    else await this.#mic.ask();
  }

  turnSoundOn() {
    this.sounder.unlock();
    void this.#leg.play();
  }

  reconnectNow() {
    this.#line.reconnectNow();
  }

  noticeRead(id: number) {
    this.#happen({ is: "notice_read", id });
  }

  endRead() {
    this.#happen({ is: "end_read" });
  }

  async #ask(ask: Ask, refused?: () => void) {
    try {
      await this.#line.ask(ask);
    } catch (why) {
      refused?.();
      this.#happen({ is: "notice", text: why instanceof Error ? why.message : String(why) });
    }
  }

  #happen(what: Happening<Softphone>) {
    const before = this.#state;
    this.#state = next(before, what);
    if (this.#state !== before) {
      this.#follow(before);
      for (const watcher of this.#watchers) watcher();
    }
  }

  // Everything the page does to the world follows from the state, here alone.
  #follow(before: PhoneView) {
    const state = this.#state;
    if (wantsLeg(state) && state.link.is === "open") this.#leg.open();
    else if (!wantsLeg(state)) this.#leg.close();

    if (wantsMic(state) && !wantsMic(before)) void this.#mic.open().then((track) => this.#leg.carry(track));
    if (!wantsMic(state) && wantsMic(before)) {
      void this.#leg.carry(null);
      this.#mic.close();
    }
    if (before.muted !== state.muted) this.#mic.mute(state.muted);
    this.#doubt();
    this.#ring();
    this.#stayAwake(state.told?.call != null);
  }

  #ring() {
    const ringing =
      this.#state.lead === "here" && this.#state.told?.call == null ? stillRinging(this.#state) : [];
    const now = ringing.map((r) => r.call).join();
    if (now === this.#ringing) return;
    this.#ringing = now;
    if (ringing.length > 0) this.sounder.startRing();
    else this.sounder.stopRing();
    this.#attention.show(
      ringing.map((r) => ({
        call: r.call,
        who: nameAndNumber(r.caller.name, r.caller.phone).name,
        about: [`For ${r.team}`, ...r.so_far].join(" · "),
      })),
    );
  }

  // The desk says that this leg is not there though it looks alive from here: mediad or the desk began anew.
  #doubt() {
    const doubted =
      this.#state.leg === "connected" && this.#state.told?.reachable === false && wantsLeg(this.#state);
    if (!doubted) {
      clearTimeout(this.#recheck);
      this.#recheck = undefined;
    } else {
      this.#recheck ??= setTimeout(() => {
        this.#recheck = undefined;
        this.#leg.renew();
      }, DOUBT_MS_MAX);
    }
  }

  #stayAwake(wanted: boolean) {
    if (wanted === (this.#wake !== null) || !("wakeLock" in navigator)) return;
    const held = this.#wake;
    this.#wake = wanted ? navigator.wakeLock.request("screen") : null;
    // A refused wake lock (battery saver, hidden page) changes nothing for the call.
    this.#wake?.catch(() => undefined);
    held?.then((lock) => lock.release()).catch(() => undefined);
  }
}

declare global {
  interface Window {
    /** For tests: what the browser's media stack holds. */
    __patchbay?: {
      pc(): RTCPeerConnection | null;
      remote(): MediaStream | null;
      mic(): MediaStream | null;
    };
  }
}

/** Between the leg's being connected here and the desk's word of it lie milliseconds. */
const DOUBT_MS_MAX = 2000;
