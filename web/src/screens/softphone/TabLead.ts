/** Which of this browser's tabs holds the phone: a Web Lock, taken by the first, handed on, or taken over on request. */

export class TabLead {
  #name: string;
  #tell: (lead: "here" | "other_tab") => void;
  #queue: AbortController | null = null;
  #release: (() => void) | null = null;
  /** Counts joins and leavings; a lock that arrives for an earlier one is given back. */
  #round = 0;

  constructor(name: string, tell: (lead: "here" | "other_tab") => void) {
    this.#name = name;
    this.#tell = tell;
  }

  /** Takes the lead if it is free, else waits in line for it. */
  join() {
    const round = ++this.#round;
    // Without a secure context there are no locks, and no microphone either: the tab leads and says so.
    if (!("locks" in navigator)) return this.#tell("here");
    navigator.locks
      .request(this.#name, { ifAvailable: true }, async (lock) => {
        if (lock) return this.#hold(round);
        if (round !== this.#round) return undefined;
        this.#tell("other_tab");
        this.#stand(round);
        return undefined;
      })
      .catch(() => this.#lost(round));
  }

  /** Takes the lead from whoever has it. */
  take() {
    this.#queue?.abort();
    if (!("locks" in navigator) || this.#release) return this.#tell("here");
    const round = this.#round;
    navigator.locks
      .request(this.#name, { steal: true }, () => this.#hold(round))
      .catch(() => this.#lost(round));
  }

  leave() {
    this.#round += 1;
    this.#queue?.abort();
    this.#release?.();
    this.#release = null;
  }

  #hold(round: number): Promise<void> {
    if (round !== this.#round) return Promise.resolve();
    this.#tell("here");
    return new Promise((release) => {
      this.#release = release;
    });
  }

  #stand(round: number) {
    const queue = new AbortController();
    this.#queue = queue;
    navigator.locks
      .request(this.#name, { signal: queue.signal }, () => this.#hold(round))
      .catch(() => {
        if (!queue.signal.aborted) this.#lost(round);
      });
  }

  // The lock was stolen: another tab pressed "Use this tab".
  #lost(round: number) {
    if (round !== this.#round) return;
    this.#release = null;
    this.#tell("other_tab");
    this.#stand(round);
  }
}
