"use strict";
// The phone of a WhatsApp user: it calls, is called, and chats. One call at a time; the server is the stand-in that serves this page.

const $ = (id) => document.getElementById(id);
const phone = {
  state: "idle", // idle calling ringing incoming answering talking ended failed
  number: null,
  chat: [],
  source: "microphone",
  call: null,
  muted: false,
  digits: "",
  status: "",
  acceptedAt: null,
  inbound: { packets: 0, peak: 0 },
  pc: null,
  remoteStream: null,
  stats: () => readStats(),
};
window.__phone = phone;

let audioContext, ringback, localTrack, meter, events, ticker, statsTimer, stopVoice, attempt = 0;

const WORDS = {
  idle: "Ready to call",
  calling: "Calling…",
  ringing: "Ringing…",
  incoming: "Demo Company is calling…",
  answering: "Connecting…",
  talking: "Connected",
};
const BUSY = ["calling", "ringing", "answering", "talking"];
const ENDINGS = {
  "business hung up": "Demo Company ended the call",
  "rejected by the business": "The call was declined",
  "not answered": "No answer",
  "caller hung up": "You ended the call",
  "user hung up": "You ended the call",
  declined: "You declined the call",
  "failed on purpose": "Call failed",
  "no media from the business": "Call failed: no sound arrived from Demo Company",
};
const KEYS = [["1", ""], ["2", "ABC"], ["3", "DEF"], ["4", "GHI"], ["5", "JKL"], ["6", "MNO"], ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"], ["*", ""], ["0", "+"], ["#", ""]];
const TONES = { 1: [697, 1209], 2: [697, 1336], 3: [697, 1477], 4: [770, 1209], 5: [770, 1336], 6: [770, 1477], 7: [852, 1209], 8: [852, 1336], 9: [852, 1477], "*": [941, 1209], 0: [941, 1336], "#": [941, 1477] };

function show(state, words) {
  phone.state = state;
  phone.status = words ?? WORDS[state] ?? "";
  $("phone").dataset.state = state;
  $("status").textContent = phone.status;
  const busy = BUSY.includes(state);
  $("panel-idle").hidden = busy;
  $("panel-call").hidden = !busy;
  $("call").hidden = busy;
  for (const id of ["hangup", "mute"]) $(id).hidden = !busy;
  $("decline").hidden = state !== "incoming";
  $("timer").hidden = !(state === "talking");
  $("mute").disabled = state !== "talking";
  for (const key of document.querySelectorAll(".key")) key.disabled = state !== "talking";
  $("call").querySelector("span").textContent = { idle: "Call", incoming: "Answer" }[state] ?? "Call again";
}

function context() {
  audioContext ??= new AudioContext();
  if (audioContext.state === "suspended") audioContext.resume();
  return audioContext;
}

async function openSource(kind) {
  if (kind === "microphone") {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
    return stream.getAudioTracks()[0];
  }
  const ctx = context();
  const out = ctx.createMediaStreamDestination();
  if (kind === "voice") {
    const file = await (await fetch("/sample-voice.ogg")).arrayBuffer();
    const buffer = await ctx.decodeAudioData(file);
    const player = ctx.createBufferSource();
    player.buffer = buffer;
    player.loop = true;
    player.connect(out);
    // The voice begins to speak when the call is picked up, like a person.
    stopVoice = { start: () => player.start(ctx.currentTime + 0.8), stop: () => { try { player.stop(); } catch { /* never started */ } } };
  }
  return out.stream.getAudioTracks()[0];
}

async function dial() {
  if (BUSY.includes(phone.state) || phone.state === "incoming") return;
  const mine = ++attempt;
  reset();
  show("calling");
  context();
  if (!(await takeMicrophone(mine))) return;
  try {
    const pc = await offer();
    await ready;
    const dialled = await request("/control/calls", { name: "Phone page", from: phone.number, offer: pc.localDescription.sdp });
    if (mine !== attempt) {
      await request(`/control/calls/${encodeURIComponent(dialled.call)}/hang-up`, {});
      return;
    }
    phone.call = dialled.call;
    follow(dialled.call, mine);
    await pc.setRemoteDescription({ type: "answer", sdp: dialled.answer });
  } catch (error) {
    if (mine === attempt) finish("failed", error.message || "The call could not be placed");
  }
}

async function takeMicrophone(mine) {
  try {
    localTrack = await openSource(phone.source);
    return true;
  } catch (error) {
    if (mine === attempt) show("failed", error.name === "NotAllowedError" ? "The microphone is blocked. Allow it, or choose the sample voice." : "No microphone was found. Choose the sample voice.");
    return false;
  }
}

async function offer() {
  const pc = (phone.pc = new RTCPeerConnection());
  pc.addTransceiver(localTrack, { direction: "sendrecv", streams: [new MediaStream([localTrack])] });
  pc.ontrack = (event) => hear(event.streams[0] ?? new MediaStream([event.track]));
  await pc.setLocalDescription(await pc.createOffer());
  return pc;
}

function rung(call) {
  if (BUSY.includes(phone.state) || phone.call === call) return;
  const mine = ++attempt;
  reset();
  phone.call = call;
  show("incoming");
  startRingback([587, 784], 0.7, 2200);
  follow(call, mine);
}

async function answer() {
  if (phone.state !== "incoming") return;
  const mine = attempt;
  const path = `/control/calls/${encodeURIComponent(phone.call)}`;
  stopRingback();
  show("answering");
  context();
  if (!(await takeMicrophone(mine))) return request(`${path}/decline`, {}).catch(() => { /* it has stopped ringing */ });
  try {
    const pc = await offer();
    const picked = await request(`${path}/answer`, { offer: pc.localDescription.sdp });
    if (mine !== attempt) return;
    await pc.setRemoteDescription({ type: "answer", sdp: picked.answer });
    if (phone.state === "answering") pickedUp();
  } catch (error) {
    if (mine === attempt) finish("failed", error.message || "The call could not be answered");
  }
}

function decline() {
  if (phone.state !== "incoming") return;
  const call = phone.call;
  attempt++;
  finish("ended", ENDINGS.declined);
  request(`/control/calls/${encodeURIComponent(call)}/decline`, {}).catch(() => { /* it has stopped ringing */ });
}

async function request(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const detail = await answer.json().catch(() => ({}));
  throw new Error(sentence(detail.error?.message) || `The stand-in answered ${answer.status}`);
}

function sentence(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : "";
}

function follow(call, mine) {
  events = new EventSource(`/control/events?call=${encodeURIComponent(call)}`);
  events.addEventListener("call", (event) => { if (mine === attempt) take(JSON.parse(event.data)); });
  // What happened before the stream was open, and after it broke.
  events.onopen = async () => {
    const answer = await fetch(`/control/calls/${encodeURIComponent(call)}`);
    if (answer.ok && mine === attempt) {
      const view = await answer.json();
      take({ state: view.state, what: view.terminate ? `ended: ${view.terminate.by}` : "", delivered: view.events.some((e) => /^webhook connect: 200/.test(e.what)) });
    }
  };
}

function take(change) {
  if (phone.state === "calling" && (change.delivered || /^webhook connect: 200/.test(change.what))) {
    show("ringing");
    startRingback();
  }
  if (change.state === "accepted" && ["calling", "ringing"].includes(phone.state)) pickedUp();
  if (change.state === "ended" && (BUSY.includes(phone.state) || phone.state === "incoming")) {
    const why = change.what.replace(/^ended: /, "");
    if (phone.state === "incoming") finish("ended", "Missed call");
    else finish(/failed|no media/.test(why) ? "failed" : "ended", ENDINGS[why] ?? "Call ended");
  }
}

function pickedUp() {
  stopRingback();
  phone.acceptedAt = Date.now();
  show("talking");
  stopVoice?.start?.();
  tick();
  ticker = setInterval(tick, 250);
}

function tick() {
  $("timer").textContent = duration(Date.now() - phone.acceptedAt);
}

function duration(ms) {
  const s = Math.floor(ms / 1000);
  const tail = `${Math.floor(s / 60) % 60}`.padStart(s >= 3600 ? 2 : 1, "0") + ":" + `${s % 60}`.padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${tail}` : tail;
}

function hear(stream) {
  phone.remoteStream = stream;
  const element = $("remote");
  element.srcObject = stream;
  element.play().catch(() => { /* autoplay refused: the next click plays it */ });
  const ctx = context();
  const analyser = ctx.createAnalyser();
  analyser.fftSize = 512;
  ctx.createMediaStreamSource(stream).connect(analyser);
  phone.analyser = analyser;
  const samples = new Float32Array(analyser.fftSize);
  const bars = [...$("wave").children];
  const draw = () => {
    analyser.getFloatTimeDomainData(samples);
    const part = Math.floor(samples.length / bars.length);
    phone.inbound.peak = 0;
    bars.forEach((bar, index) => {
      let sum = 0;
      for (let i = index * part; i < (index + 1) * part; i++) { sum += samples[i] ** 2; phone.inbound.peak = Math.max(phone.inbound.peak, Math.abs(samples[i])); }
      bar.style.transform = `scaleY(${Math.min(1, 0.18 + Math.sqrt(sum / part) * 6)})`;
    });
  };
  meter = setInterval(draw, 80);
  statsTimer = setInterval(async () => { phone.inbound.packets = (await readStats())?.packetsReceived ?? 0; }, 500);
}

async function readStats() {
  if (!phone.pc) return null;
  for (const report of (await phone.pc.getStats()).values()) if (report.type === "inbound-rtp") return report;
  return null;
}

async function hangUp() {
  if (phone.state === "incoming") return decline();
  if (!BUSY.includes(phone.state)) return;
  const call = phone.call;
  attempt++;
  finish("ended", ENDINGS["caller hung up"]);
  if (call) await request(`/control/calls/${encodeURIComponent(call)}/hang-up`, {}).catch(() => { /* it ended by itself */ });
}

function finish(state, words) {
  const talked = phone.acceptedAt ? ` · ${duration(Date.now() - phone.acceptedAt)}` : "";
  stopRingback();
  close();
  show(state, words + talked);
}

function close() {
  events?.close();
  for (const timer of [ticker, meter, statsTimer]) clearInterval(timer);
  stopVoice?.stop();
  localTrack?.stop();
  phone.pc?.close();
  events = ticker = meter = statsTimer = stopVoice = localTrack = null;
  phone.pc = null;
}

function reset() {
  close();
  Object.assign(phone, { call: null, muted: false, digits: "", acceptedAt: null, remoteStream: null, inbound: { packets: 0, peak: 0 } });
  $("typed").textContent = "";
  setMute(false);
}

// Local ringback, as a phone plays it itself: 440 + 480 Hz, two seconds in six.
function startRingback(pitches = [440, 480], sounding = 2, every = 6000) {
  const ctx = context();
  const gain = ctx.createGain();
  gain.gain.value = 0;
  gain.connect(ctx.destination);
  const tones = pitches.map((hz) => { const o = ctx.createOscillator(); o.frequency.value = hz; o.connect(gain); o.start(); return o; });
  const burst = () => {
    const now = ctx.currentTime;
    gain.gain.setTargetAtTime(0.05, now, 0.02);
    gain.gain.setTargetAtTime(0, now + sounding, 0.02);
  };
  burst();
  const timer = setInterval(burst, every);
  ringback = () => { clearInterval(timer); tones.forEach((o) => o.stop()); gain.disconnect(); };
}

function stopRingback() {
  ringback?.();
  ringback = null;
}

function beep(key) {
  const ctx = context();
  const gain = ctx.createGain();
  gain.gain.setValueAtTime(0.07, ctx.currentTime);
  gain.gain.setTargetAtTime(0, ctx.currentTime + 0.13, 0.01);
  gain.connect(ctx.destination);
  for (const hz of TONES[key] ?? []) { const o = ctx.createOscillator(); o.frequency.value = hz; o.connect(gain); o.start(); o.stop(ctx.currentTime + 0.2); }
}

function press(key) {
  if (phone.state !== "talking" || !phone.call) return;
  beep(key);
  phone.digits += key;
  $("typed").textContent = phone.digits.slice(-14);
  const button = document.querySelector(`.key[data-key="${CSS.escape(key)}"]`);
  button?.classList.add("down");
  setTimeout(() => button?.classList.remove("down"), 140);
  request(`/control/calls/${encodeURIComponent(phone.call)}/digits`, { digits: key }).catch(() => { /* the call has just ended */ });
}

function setMute(on) {
  phone.muted = on;
  if (localTrack) localTrack.enabled = !on;
  $("mute").setAttribute("aria-pressed", String(on));
  $("mute").querySelector("span").textContent = on ? "Muted" : "Mute";
}

function choose(source) {
  phone.source = source;
  $("hint").textContent = { microphone: "Two tabs on one computer echo: use the sample voice, or wear headphones.", voice: "A person who asks about an order, over and over.", silence: "You only listen and press keys." }[source];
}

// The number belongs to the browser, and a second tab is a second phone.
async function ownNumber() {
  const asked = new URLSearchParams(location.search).get("number")?.replace(/\D/g, "");
  if (asked) return asked;
  const fresh = () => "1555" + String(crypto.getRandomValues(new Uint32Array(1))[0] % 10_000_000).padStart(7, "0");
  try {
    for (let slot = 1; slot <= 20; slot++) {
      if (!(await claim(`phone-${slot}`))) continue;
      const number = localStorage.getItem(`number-${slot}`) ?? fresh();
      localStorage.setItem(`number-${slot}`, number);
      return number;
    }
  } catch { /* no storage here */ }
  return fresh();
}

function claim(name) {
  return new Promise((resolve, reject) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => { /* held while the tab lives */ });
    }).catch(reject);
  });
}

function listen() {
  const line = new EventSource(`/control/events?phone=${phone.number}`);
  line.addEventListener("call", (event) => {
    const change = JSON.parse(event.data);
    if (change.direction === "business_initiated" && change.state === "ringing") rung(change.call);
  });
  line.addEventListener("user", readChat);
  line.onopen = async () => {
    readChat();
    // What rang before the page was open.
    const answer = await fetch("/control/calls");
    const { calls } = answer.ok ? await answer.json() : { calls: [] };
    const ringing = calls.find((one) => one.phone === phone.number && one.state === "ringing");
    if (ringing) rung(ringing.call);
  };
}

async function readChat() {
  const answer = await fetch(`/control/users/${phone.number}`).catch(() => null);
  if (!answer?.ok) return;
  const user = await answer.json();
  phone.chat = user.chat;
  const words = { none: "not allowed", permanent: "always allowed", temporary: `allowed until ${new Date((user.permission.until ?? 0) * 1000).toLocaleDateString()}` };
  $("leave").textContent = `Calls from Demo Company: ${words[user.permission.status]}`;
  $("leave-change").textContent = user.permission.status === "none" ? "Allow" : "Stop";
  $("leave-change").dataset.choice = user.permission.status === "none" ? "grant" : "revoke";
  document.querySelector("main").classList.toggle("chatting", user.chat.length > 0);
  $("chat").replaceChildren(...user.chat.map((bubble) => draw(bubble, user.requests)));
  $("chat").scrollTop = $("chat").scrollHeight;
}

function draw(bubble, requests) {
  const line = document.createElement("li");
  line.className = ["call", "system"].includes(bubble.kind) ? bubble.kind : bubble.from;
  line.textContent = bubble.text || (bubble.kind === "call_permission_request" ? "May we call you?" : `[${bubble.kind}]`);
  const asked = bubble.kind === "call_permission_request" && requests.find((one) => one.id === bubble.id);
  if (asked?.open) {
    const row = document.createElement("span");
    row.className = "choices";
    for (const [choice, words] of [["accept_permanently", "Always allow"], ["accept_temporarily", "Allow 7 days"], ["reject", "Don’t allow"]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words;
      button.dataset.choice = choice;
      button.setAttribute("aria-pressed", String(choice === "reject" && asked.accepted === false));
      button.addEventListener("click", () => choosePermission(choice, bubble.id));
      row.append(button);
    }
    line.append(row);
  }
  return line;
}

function choosePermission(choice, message) {
  const body = message ? { choice, request: message } : { choice };
  return request(`/control/users/${phone.number}/permission`, body).catch((error) => { $("leave").textContent = error.message; });
}

function pretty(digits) {
  const us = /^1(\d{3})(\d{3})(\d{4})$/.exec(digits);
  return us ? `+1 ${us[1]} ${us[2]} ${us[3]}` : `+${digits}`;
}

for (const [key, letters] of KEYS) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "key";
  button.dataset.key = key;
  button.setAttribute("aria-label", { "*": "star", "#": "hash" }[key] ?? key);
  button.innerHTML = `<b>${key}</b><small>${letters}</small>`;
  button.addEventListener("pointerdown", () => press(key));
  button.addEventListener("click", (event) => { if (event.detail === 0) press(key); });
  $("pad").append(button);
}
$("call").addEventListener("click", () => (phone.state === "incoming" ? answer() : dial()));
$("decline").addEventListener("click", decline);
$("leave-change").addEventListener("click", (event) => choosePermission(event.target.dataset.choice ?? "grant"));
$("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("words").value.trim();
  if (!text) return;
  $("words").value = "";
  request(`/control/users/${phone.number}/messages`, { text, name: "Phone page" }).catch((error) => { $("leave").textContent = error.message; });
});
$("hangup").addEventListener("click", hangUp);
$("mute").addEventListener("click", () => setMute(!phone.muted));
for (const input of document.querySelectorAll("input[name=source]")) input.addEventListener("change", () => choose(input.value));
document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || event.target.id === "words") return;
  if (event.key === "Escape") hangUp();
  else if (event.key === "Enter" && phone.state === "incoming") { event.preventDefault(); answer(); }
  else if (event.key === "Enter" && !BUSY.includes(phone.state) && event.target.tagName !== "BUTTON") { event.preventDefault(); dial(); }
  else if (/^[0-9*#]$/.test(event.key) && !event.repeat) press(event.key);
  else if (event.key.toLowerCase() === "m" && phone.state === "talking") setMute(!phone.muted);
});
document.addEventListener("click", () => { const element = $("remote"); if (element.srcObject && element.paused) element.play().catch(() => {}); });
addEventListener("pagehide", () => {
  if (phone.call && BUSY.includes(phone.state)) navigator.sendBeacon(`/control/calls/${encodeURIComponent(phone.call)}/hang-up`);
});
const showClock = () => { $("clock").textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }); };
showClock();
setInterval(showClock, 5000);
fetch("/control/state").then((answer) => answer.json()).then((state) => { $("number").textContent = pretty(state.display_number); $("line").textContent = state.verified ? "" : "waiting for Patchbay"; }).catch(() => {});
const wanted = new URLSearchParams(location.search).get("source");
if (["microphone", "voice", "silence"].includes(wanted)) {
  document.querySelector(`input[value=${wanted}]`).checked = true;
  choose(wanted);
}
show("idle");
const ready = ownNumber().then((number) => {
  phone.number = number;
  document.title = `Phone ${pretty(number)}: call Demo Company`;
  listen();
});
