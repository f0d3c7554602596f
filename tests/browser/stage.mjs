// Real Chromium with a microphone that is a file and ears that keep every sample they hear.
import { createRequire } from "node:module";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { chromium } = createRequire(new URL("../../web/package.json", import.meta.url))("playwright-core");

/** A browser process of its own whose microphone plays `wav` over and over. */
export async function browser(wav) {
  const context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "patchbay-browser-")), {
    executablePath: "/usr/bin/chromium",
    chromiumSandbox: false,
    permissions: ["microphone", "notifications"],
    viewport: { width: 1280, height: 800 },
    args: [
      "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream", `--use-file-for-fake-audio-capture=${wav}`,
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  await context.addInitScript(listen);
  const page = context.pages()[0] ?? (await context.newPage());
  page.on("pageerror", (error) => console.error("page:", error.message));
  return { context, page };
}

/** Runs in the page: keeps what every peer connection receives, 48 kHz mono, with the page's clock. */
function listen() {
  const heard = { blocks: [], began: null };
  window.__heard = heard;
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      this.addEventListener("track", (event) => {
        const context = new AudioContext({ sampleRate: 48000 });
        const source = context.createMediaStreamSource(new MediaStream([event.track]));
        const tap = context.createScriptProcessor(4096, 1, 1);
        tap.onaudioprocess = (block) => heard.blocks.push([Date.now(), block.inputBuffer.getChannelData(0).slice()]);
        source.connect(tap).connect(context.destination);
        void context.resume();
      });
    }
  };
}

/** Writes what a page heard as raw little-endian floats and gives the moment of the first sample, ms since 1970. */
export async function keep(page, file) {
  const parts = [];
  let began = null;
  for (let from = 0; ; from += 50) {
    const blocks = await page.evaluate((at) => {
      const some = window.__heard.blocks.slice(at, at + 50);
      return some.map(([when, block]) => [when, btoa(String.fromCharCode(...new Uint8Array(block.buffer)))]);
    }, from);
    if (blocks.length === 0) break;
    began ??= blocks[0][0] - 4096 / 48;
    for (const [, text] of blocks) parts.push(Buffer.from(text, "base64"));
  }
  writeFileSync(file, Buffer.concat(parts));
  return began;
}

/** Polls `probe` until it is true; throws after `patience` ms. */
export async function until(what, probe, patience = 20_000) {
  const end = Date.now() + patience;
  while (!(await probe())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((go) => setTimeout(go, 20));
  }
}

export const pause = (ms) => new Promise((go) => setTimeout(go, ms));
