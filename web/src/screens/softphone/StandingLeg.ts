/** The agent's standing leg: one peer connection, connected before any call and without a microphone (design D13). */
import { backoffMs } from "../../core/backoff";

export interface LegTells {
  /** Sends the offer to the desk; resolves with mediad's answer. */
  attach(offer: string): Promise<string>;
  state(leg: "none" | "attaching" | "connected" | "lost", trouble?: string): void;
  soundBlocked(blocked: boolean): void;
}

export class StandingLeg {
  #tells: LegTells;
  #pc: RTCPeerConnection | null = null;
  #sender: RTCRtpSender | null = null;
  #track: MediaStreamTrack | null = null;
  #remote: MediaStream | null = null;
  #audio: HTMLAudioElement;
  #round = 0;
  #attempt = 0;
  #wanted = false;
  #again: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;

  constructor(tells: LegTells) {
    this.#tells = tells;
    // Chromium gives a remote stream to WebAudio and to the ear only while an element plays it.
    this.#audio = document.createElement("audio");
    this.#audio.id = "patchbay-remote";
    this.#audio.autoplay = true;
    this.#audio.hidden = true;
  }

  get pc(): RTCPeerConnection | null {
    return this.#pc;
  }

  get remote(): MediaStream | null {
    return this.#remote;
  }

  /** Connects unless it is connected or connecting. */
  open() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#attempt = 0;
    this.#connect();
  }

  /** Connects anew, over whatever is there: the network changed, or the desk has lost this leg. */
  renew() {
    if (!this.#wanted) return this.open();
    this.#connect();
  }

  close() {
    if (!this.#wanted) return;
    this.#wanted = false;
    this.#round += 1;
    clearTimeout(this.#again);
    clearTimeout(this.#watch);
    this.#let(this.#pc);
    this.#pc = this.#sender = this.#remote = null;
    this.#audio.srcObject = null;
    this.#audio.remove();
    this.#tells.state("none");
  }

  /** What the caller hears from now on: the microphone, or nothing. Survives a renewal. */
  async carry(track: MediaStreamTrack | null) {
    this.#track = track;
    await this.#sender?.replaceTrack(track).catch(() => undefined);
  }

  /** Plays the remote side; call it from a click when the browser has refused. */
  async play() {
    try {
      await this.#audio.play();
      this.#tells.soundBlocked(false);
    } catch (fault) {
      if (fault instanceof DOMException && fault.name === "NotAllowedError") this.#tells.soundBlocked(true);
    }
  }

  // WHY a fresh connection and not `restartIce`: after a reload there is no other way, so both roads are one.
  async #connect() {
    const round = ++this.#round;
    const stale = () => round !== this.#round;
    clearTimeout(this.#again);
    clearTimeout(this.#watch);
    this.#tells.state(this.#pc ? "lost" : "attaching");
    const before = this.#pc;
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    try {
      const transceiver = pc.addTransceiver("audio", { direction: "sendrecv" });
      await transceiver.sender.replaceTrack(this.#track);
      await pc.setLocalDescription(await pc.createOffer());
      await gathered(pc);
      if (stale()) return this.#let(pc);
      const answer = await this.#tells.attach(pc.localDescription?.sdp ?? "");
      if (stale()) return this.#let(pc);
      this.#let(before);
      this.#pc = pc;
      this.#sender = transceiver.sender;
      this.#remote = new MediaStream([transceiver.receiver.track]);
      pc.onconnectionstatechange = () => !stale() && this.#heed(pc);
      await transceiver.sender.replaceTrack(this.#track);
      await pc.setRemoteDescription({ type: "answer", sdp: answer });
      document.body.append(this.#audio);
      this.#audio.srcObject = this.#remote;
      void this.play();
      this.#watch = setTimeout(
        () => pc.connectionState !== "connected" && this.#retry(CONNECT_TROUBLE),
        CONNECT_MS_MAX,
      );
    } catch (fault) {
      this.#let(pc);
      if (!stale()) this.#retry(fault instanceof Error ? fault.message : String(fault));
    }
  }

  #heed(pc: RTCPeerConnection) {
    switch (pc.connectionState) {
      case "connected":
        clearTimeout(this.#watch);
        this.#attempt = 0;
        return this.#tells.state("connected");
      case "disconnected":
        this.#tells.state("lost");
        clearTimeout(this.#watch);
        this.#watch = setTimeout(
          () => pc.connectionState !== "connected" && this.#retry(),
          DISCONNECTED_MS_MAX,
        );
        return;
      case "failed":
      case "closed":
        return this.#retry();
    }
  }

  #retry(trouble?: string) {
    if (!this.#wanted) return;
    this.#tells.state("lost", trouble);
    clearTimeout(this.#again);
    const wait = this.#attempt === 0 ? 0 : backoffMs(this.#attempt - 1, Math.random());
    this.#attempt += 1;
    this.#again = setTimeout(() => this.#connect(), wait);
  }

  #let(pc: RTCPeerConnection | null) {
    if (!pc) return;
    pc.onconnectionstatechange = null;
    pc.close();
  }
}

// The offer is sent whole (no trickle); what one second has not found is not waited for.
function gathered(pc: RTCPeerConnection): Promise<void> {
  if (pc.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((done) => {
    const late = setTimeout(finish, GATHER_MS_MAX);
    function finish() {
      clearTimeout(late);
      pc.removeEventListener("icegatheringstatechange", look);
      done();
    }
    function look() {
      if (pc.iceGatheringState === "complete") finish();
    }
    pc.addEventListener("icegatheringstatechange", look);
  });
}

const GATHER_MS_MAX = 1000;
const CONNECT_MS_MAX = 8000;
const DISCONNECTED_MS_MAX = 1500;
const CONNECT_TROUBLE = "The sound connection does not come up. A firewall may be in the way; trying again.";
