/** The WebSocket to the desk: it reconnects by itself, answers pings, and gives each ask its answer. */
import { backoffMs } from "../core/backoff";
import type { Link } from "../core/phone-state";
import { get, isSignedOut } from "./request";
import type { Ask, Softphone, ToTab } from "./words";

export interface Hears {
  link(link: Link): void;
  told(told: Softphone): void;
  notice(text: string): void;
  detached(): void;
  /** The session is over; nobody reconnects. */
  signedOut(): void;
}

export class PhoneLine {
  #socket: WebSocket | null = null;
  #waiting = new Map<number, { done: (answer: string) => void; failed: (why: Error) => void }>();
  #id = 0;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(
    private readonly hears: Hears,
    private readonly path = "/api/softphone",
  ) {}

  open() {
    this.#closed = false;
    addEventListener("online", this.reconnectNow);
    this.#connect();
  }

  close() {
    this.#closed = true;
    removeEventListener("online", this.reconnectNow);
    clearTimeout(this.#retry);
    this.#drop();
  }

  /** Skips the rest of the wait. */
  reconnectNow = () => {
    if (this.#closed || this.#socket?.readyState === WebSocket.OPEN) return;
    clearTimeout(this.#retry);
    this.#connect();
  };

  /** Resolves when the desk has carried it out (with the answer's SDP for `attach`), rejects with its reason. */
  ask(ask: Ask): Promise<string> {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN)
      return Promise.reject(new Error("There is no connection to the desk right now."));
    this.#id = (this.#id + 1) % ID_MAX;
    const id = this.#id;
    return new Promise((done, failed) => {
      const late = setTimeout(
        () => this.#settle(id)?.failed(new Error("The desk did not answer in time.")),
        ANSWER_MS_MAX,
      );
      const settled =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(late);
          then(value);
        };
      this.#waiting.set(id, { done: settled(done), failed: settled(failed) });
      socket.send(JSON.stringify({ id, ...ask }));
    });
  }

  #connect() {
    this.#drop();
    if (this.#attempt === 0) this.hears.link({ is: "connecting" });
    const url = new URL(this.path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#listenForSilence();
    socket.onopen = () => {
      this.#attempt = 0;
      this.hears.link({ is: "open" });
    };
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = (event) => (event.code === CROWDED ? this.#crowded(event.reason) : this.#lost());
  }

  #take(text: unknown) {
    this.#listenForSilence();
    let told: ToTab;
    try {
      told = JSON.parse(String(text)) as ToTab;
    } catch {
      return;
    }
    switch (told.tell) {
      case "state":
        return this.hears.told(told);
      case "attached":
        return this.#settle(told.id)?.done(told.answer);
      case "done":
        return this.#settle(told.id)?.done("");
      case "refused":
        return this.#settle(told.id)?.failed(new Error(told.why));
      case "notice":
        return this.hears.notice(told.text);
      case "detached":
        return this.hears.detached();
      case "ping":
        // WHY here and not on a timer: hidden pages' timers are throttled to once a minute, messages are not.
        this.#id = (this.#id + 1) % ID_MAX;
        return this.#socket?.send(JSON.stringify({ id: this.#id, ask: "pong" }));
    }
  }

  #settle(id: number) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #listenForSilence() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), SILENCE_MS_MAX);
  }

  #drop() {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const id of [...this.#waiting.keys()])
      this.#settle(id)?.failed(new Error("The connection to the desk broke."));
  }

  /** Coming back by itself would only send another tab away: the person decides. */
  #crowded(reason: string) {
    this.#drop();
    this.hears.notice(reason);
    this.hears.link({ is: "lost", retry_at: Number.POSITIVE_INFINITY });
  }

  #lost() {
    this.#drop();
    if (this.#closed) return;
    const wait = backoffMs(this.#attempt, Math.random());
    this.#attempt += 1;
    this.hears.link({ is: "lost", retry_at: Date.now() + wait });
    this.#retry = setTimeout(() => this.#connect(), wait);
    // A browser does not say why a socket was refused: ask, so that an ended session is not retried for ever.
    get("/api/me").catch((fault) => {
      if (!this.#closed && isSignedOut(fault)) {
        this.close();
        this.hears.signedOut();
      }
    });
  }
}

/** Too many tabs of one person: the oldest was closed. */
const CROWDED = 4008;
const ID_MAX = 2 ** 31;
const ANSWER_MS_MAX = 10_000;
/** The desk pings every 20 s. */
const SILENCE_MS_MAX = 45_000;
