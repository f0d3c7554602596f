"""An agent's end no line of which is ours: aiortc for the media, aiohttp for the WebSocket.

Signs in, attaches its standing leg, becomes available. Commands on standard input, one a line: answer, hold, resume, dial,
hang_up, quit. Happenings on standard output, one JSON object a line; every 200 ms of sound heard is one of them.
"""

import argparse
import asyncio
import fractions
import json
import sys

import aioice.ice

# Before aiortc is imported: stay on loopback.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]

import aiohttp  # noqa: E402
import numpy  # noqa: E402
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription  # noqa: E402
from av import AudioFrame  # noqa: E402

RATE = 48_000


def tell(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


class Tone(MediaStreamTrack):
    """A sine at -12 dBFS, 20 ms a frame, paced by the clock."""

    kind = "audio"

    def __init__(self, hz):
        super().__init__()
        self.hz, self.at, self.began = hz, 0, None

    async def recv(self):
        loop = asyncio.get_event_loop()
        self.began = self.began or loop.time()
        await asyncio.sleep(max(0.0, self.began + self.at / RATE - loop.time()))
        t = (numpy.arange(960) + self.at) / RATE
        samples = (0.25 * 32767 * numpy.sin(2 * numpy.pi * self.hz * t)).astype(numpy.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.at, fractions.Fraction(1, RATE)
        self.at += 960
        return frame


async def listen(track):
    """Tells the strongest frequency and the level of every 200 ms."""
    held = numpy.zeros(0)
    while True:
        frame = await track.recv()
        samples = frame.to_ndarray().astype(numpy.float64).reshape(-1)
        if len(frame.layout.channels) == 2:
            samples = samples[::2]
        held = numpy.concatenate([held, samples / 32768.0])
        if len(held) >= frame.sample_rate // 5:
            spectrum = numpy.abs(numpy.fft.rfft(held * numpy.hanning(len(held))))
            hz = float(spectrum.argmax() * frame.sample_rate / len(held))
            rms = float(numpy.sqrt(numpy.mean(held**2)) + 1e-9)
            tell("sound", hz=round(hz), db=round(20 * numpy.log10(rms), 1))
            held = numpy.zeros(0)


async def main():
    args = argparse.ArgumentParser()
    args.add_argument("--desk", required=True)
    args.add_argument("--email", required=True)
    args.add_argument("--password", required=True)
    args.add_argument("--hz", type=float, default=600.0)
    args = args.parse_args()

    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"X-Patchbay": "1", "Origin": args.desk}) as http:
        async with http.post(args.desk + "/api/login", json={"email": args.email, "password": args.password}) as answer:
            if answer.status != 200:
                tell("failed", why=await answer.text())
                return
        async with http.ws_connect(args.desk + "/api/softphone") as socket:
            await run(socket, args.hz)


async def run(socket, hz):
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTrack(Tone(hz))
    peer.on("track", lambda track: asyncio.ensure_future(listen(track)))
    peer.on("connectionstatechange", lambda: tell("media", state=peer.connectionState))
    await peer.setLocalDescription(await peer.createOffer())

    state, numbers = {}, iter(range(1, 1 << 31))

    async def ask(ask, **more):
        await socket.send_str(json.dumps({"id": next(numbers), "ask": ask, **more}))

    async def commands():
        reader = asyncio.StreamReader()
        await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while word := (await reader.readline()).decode().strip():
            if word == "quit":
                break
            if word == "answer":
                await ask("answer", call=state["ringing"][0]["call"])
            elif word.startswith("dial "):
                await ask("dial", contact=word.split()[1], account=None)
            else:
                await ask(word)
        await socket.close()

    typed = asyncio.ensure_future(commands())
    await ask("attach", offer=peer.localDescription.sdp)
    await ask("presence", presence="available", reason=None)
    async for message in socket:
        if message.type != aiohttp.WSMsgType.TEXT:
            continue
        line = json.loads(message.data)
        if line["tell"] == "attached":
            await peer.setRemoteDescription(RTCSessionDescription(sdp=line["answer"], type="answer"))
        elif line["tell"] == "ping":
            await ask("pong")
        elif line["tell"] == "state":
            state.clear()
            state.update(line)
            tell("state", reachable=line["reachable"], ringing=len(line["ringing"]), call=line["call"] and line["call"]["state"])
        elif line["tell"] in ("refused", "notice", "detached"):
            tell(line["tell"], why=line.get("why") or line.get("text"))
    # The WebSocket is gone, the leg is not: it talks on until it is told to quit.
    tell("unattended")
    await typed
    await peer.close()


asyncio.run(main())
