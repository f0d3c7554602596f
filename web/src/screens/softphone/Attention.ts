/** What calls an agent who looks elsewhere: the title, the tab's icon, a desktop notification. */

export interface Ringing {
  call: string;
  who: string;
  about: string;
}

export class Attention {
  #plain = document.title;
  #loud = "";
  #flash: ReturnType<typeof setInterval> | undefined;
  #notes = new Map<string, Notification>();

  /** Shows exactly these calls as ringing; an empty list takes everything back at once. */
  show(ringing: readonly Ringing[]) {
    clearInterval(this.#flash);
    this.#icon(ringing.length > 0 ? "/favicon-ringing.svg" : "/favicon.svg");
    const first = ringing[0];
    this.#quietTitle();
    if (first) {
      this.#loud = `(${ringing.length}) Ringing: ${first.who}`;
      this.#loudTitle();
      this.#flash = setInterval(
        () => (document.title === this.#loud ? this.#quietTitle() : this.#loudTitle()),
        1000,
      );
    }
    this.#notify(ringing);
  }

  #notify(ringing: readonly Ringing[]) {
    for (const [call, note] of this.#notes) {
      if (ringing.some((r) => r.call === call)) continue;
      note.close();
      this.#notes.delete(call);
    }
    if (
      !("Notification" in window) ||
      Notification.permission !== "granted" ||
      document.visibilityState === "visible"
    )
      return;
    for (const { call, who, about } of ringing) {
      if (this.#notes.has(call)) continue;
      try {
        const note = new Notification(who, {
          body: about,
          tag: call,
          requireInteraction: true,
          icon: "/favicon.svg",
        });
        note.onclick = () => {
          window.focus();
          note.close();
        };
        this.#notes.set(call, note);
      } catch {
        // Phone browsers give notifications to service workers only; the ring and the title remain.
        return;
      }
    }
  }

  // The page may have changed its title meanwhile: what is found is what comes back.
  #loudTitle() {
    this.#plain = document.title;
    document.title = this.#loud;
  }

  #quietTitle() {
    if (document.title === this.#loud) document.title = this.#plain;
  }

  #icon(href: string) {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (link && !link.href.endsWith(href)) link.href = href;
  }
}
