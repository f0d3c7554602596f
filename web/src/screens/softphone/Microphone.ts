/** The microphone: on for a call, off after it, so that no light stays on. */
import type { Mic } from "../../core/phone-state";

export class Microphone {
  #stream: MediaStream | null = null;
  #opening: Promise<MediaStreamTrack | null> | null = null;
  #wanted = false;
  #muted = false;

  constructor(
    private readonly tell: (mic: Mic) => void,
    /** The device went away or came: whoever carries the track must be told. */
    private readonly changed: (track: MediaStreamTrack | null) => void,
  ) {}

  get stream(): MediaStream | null {
    return this.#stream;
  }

  /** The live track, opening it if need be; null when the browser or the person says no. */
  open(): Promise<MediaStreamTrack | null> {
    this.#wanted = true;
    const live = this.#stream?.getAudioTracks()[0];
    if (live?.readyState === "live") return Promise.resolve(live);
    this.#opening ??= this.#start().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /** Asks once and lets go at once, so that the first call finds the permission given. */
  async ask(): Promise<boolean> {
    const track = await this.open();
    this.close();
    if (track) this.tell("off");
    return track !== null;
  }

  close() {
    this.#wanted = false;
    this.#muted = false;
    if (!this.#stream) return;
    this.#stop();
    this.tell("off");
  }

  mute(muted: boolean) {
    this.#muted = muted;
    for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = !muted;
  }

  async #start(): Promise<MediaStreamTrack | null> {
    if (!navigator.mediaDevices) {
      this.tell("insecure");
      return null;
    }
    this.tell("opening");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: WANTED });
      const track = stream.getAudioTracks()[0] ?? null;
      if (!this.#wanted) {
        for (const t of stream.getTracks()) t.stop();
        return null;
      }
      this.#stream = stream;
      if (track) {
        track.enabled = !this.#muted;
        track.onended = () => this.#unplugged();
      }
      this.tell("on");
      return track;
    } catch (fault) {
      this.tell(reasonOf(fault));
      return null;
    }
  }

  // The device vanished mid-call: fall back to the system's default, and say so only if there is none.
  async #unplugged() {
    this.#stop();
    if (this.#wanted) this.changed(await this.open());
  }

  #stop() {
    for (const track of this.#stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.#stream = null;
  }
}

/** The permission as it stands, without asking; "prompt" where the browser does not tell. */
export async function microphonePermission(): Promise<PermissionState> {
  try {
    return (await navigator.permissions.query({ name: "microphone" as PermissionName })).state;
  } catch {
    return "prompt";
  }
}

function reasonOf(fault: unknown): Mic {
  const name = fault instanceof DOMException ? fault.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "blocked";
  return name === "NotFoundError" || name === "OverconstrainedError" ? "missing" : "failed";
}

const WANTED: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: 1,
};
