/** The sounds this page makes itself: the ring, and the tones of the keypad. */
import { keySamples, ringSamples } from "../../core/tones";

export class Sounder {
  #context: AudioContext | null = null;
  #ring: { source: AudioBufferSourceNode; gain: GainNode } | null = null;
  #ringBuffer: AudioBuffer | null = null;

  /** Call it from a click or a key: before one, a browser plays nothing. */
  unlock = () => {
    void this.#sound().resume();
  };

  /** Rings until `stopRing`, louder after ten seconds. */
  startRing() {
    if (this.#ring) return;
    const context = this.#sound();
    void context.resume();
    this.#ringBuffer ??= bufferOf(context, ringSamples(context.sampleRate));
    const source = new AudioBufferSourceNode(context, { buffer: this.#ringBuffer, loop: true });
    const gain = new GainNode(context, { gain: RING_SOFT });
    gain.gain.setValueAtTime(RING_SOFT, context.currentTime + RING_SOFT_SECONDS);
    gain.gain.linearRampToValueAtTime(RING_LOUD, context.currentTime + RING_SOFT_SECONDS + 2);
    source.connect(gain).connect(context.destination);
    source.start();
    this.#ring = { source, gain };
  }

  stopRing() {
    const ring = this.#ring;
    this.#ring = null;
    if (!ring) return;
    const at = ring.source.context.currentTime;
    ring.gain.gain.cancelScheduledValues(at);
    ring.gain.gain.setTargetAtTime(0, at, 0.012);
    ring.source.stop(at + 0.08);
  }

  /** What a pressed key sounds like here; the caller's side gets its own from mediad. */
  key(digit: string) {
    const context = this.#sound();
    const source = new AudioBufferSourceNode(context, {
      buffer: bufferOf(context, keySamples(digit, context.sampleRate)),
    });
    source.connect(new GainNode(context, { gain: 0.12 })).connect(context.destination);
    source.start();
  }

  /** Loudness of a stream, 0..1, read as often as one likes; `stop` lets go of it. */
  meter(stream: MediaStream): { read(): number; stop(): void } {
    const context = this.#sound();
    const source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
    const analyser = new AnalyserNode(context, { fftSize: 512, smoothingTimeConstant: 0.5 });
    const samples = new Float32Array(analyser.fftSize);
    source.connect(analyser);
    return {
      read() {
        analyser.getFloatTimeDomainData(samples);
        let power = 0;
        for (const sample of samples) power += sample * sample;
        const db = 10 * Math.log10(power / samples.length + 1e-9);
        return Math.min(1, Math.max(0, (db + 55) / 45));
      },
      stop: () => source.disconnect(),
    };
  }

  #sound(): AudioContext {
    this.#context ??= new AudioContext({ latencyHint: "interactive" });
    return this.#context;
  }
}

function bufferOf(context: AudioContext, samples: Float32Array<ArrayBuffer>): AudioBuffer {
  const buffer = new AudioBuffer({ length: samples.length, sampleRate: context.sampleRate });
  buffer.copyToChannel(samples, 0);
  return buffer;
}

const RING_SOFT = 0.28;
const RING_LOUD = 0.75;
const RING_SOFT_SECONDS = 10;
