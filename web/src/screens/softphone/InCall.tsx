/** The call an agent is on: who, how long, how it stands, and what can be done about it. */
import { nameAndNumber } from "../../core/phone-number";
import { callWord, since } from "../../core/phone-words";
import { clockFace, holdFace } from "../../core/time";
import { Avatar } from "../../ui/Avatar";
import { classes } from "../../ui/classes";
import { Icon, type IconName } from "../../ui/Icon";
import { Timer } from "../../ui/Timer";
import { Tip } from "../../ui/Tip";
import { Keypad } from "./Keypad";
import { MicLevel } from "./MicLevel";
import { usePhone } from "./PhoneContext";

export function InCall({ keypad, onKeypad }: { keypad: boolean; onKeypad: (open: boolean) => void }) {
  const [view, phone] = usePhone();
  const call = view.told?.call;
  if (!call) return null;
  const who = nameAndNumber(call.caller.name, call.caller.phone);
  const word = callWord(view);
  const held = call.held_since !== null;
  const here = view.lead === "here";
  const still = view.link.is !== "open";
  return (
    <section aria-label={`Call with ${who.name}`} className="flex flex-1 animate-rise flex-col">
      <div
        className={classes(
          "flex flex-col items-center rounded-2xl border px-4 pt-5 pb-4 text-center transition-colors duration-300",
          held ? "border-hold/60 bg-hold-wash" : "border-line bg-raised",
        )}
      >
        <Avatar name={who.name} size="lg" />
        <h2 className="mt-3 max-w-full truncate font-semibold text-lg tracking-tight">{who.name}</h2>
        <p className="text-soft text-sm tabular-nums">{who.number ?? call.team}</p>
        <p className="mt-3 font-medium text-3xl tracking-tight">
          <Timer label="Length of the call" read={() => clockFace(since(view, call.since, Date.now()))} />
        </p>
        <div className="mt-1.5 flex items-center gap-3 text-sm">
          <span role="status" className={classes("flex items-center gap-1.5 font-medium", WORD_TONES[word])}>
            <span
              aria-hidden="true"
              className={classes(
                "size-2 rounded-full bg-current",
                word !== "Connected" && word !== "On Hold" && "animate-breathe",
              )}
            />
            {word}
          </span>
          {call.recording ? (
            <Tip text={held ? "Recording; the hold is silent in it" : "This call is being recorded"}>
              <span className="flex items-center gap-1.5 font-medium text-stop-ink text-xs tracking-wide">
                <span
                  aria-hidden="true"
                  className={classes("size-2 rounded-full bg-stop", !held && "animate-breathe")}
                />
                REC
              </span>
            </Tip>
          ) : null}
        </div>
        <p className="mt-2 flex h-5 items-center text-xs" aria-live="polite">
          {view.muted ? (
            <span className="font-medium text-stop-ink">You are muted</span>
          ) : held ? (
            <span className="text-hold-ink">The caller hears music</span>
          ) : here && view.mic === "on" ? (
            <MicLevel />
          ) : null}
        </p>
      </div>

      <div className="mt-4 grid grid-cols-3 gap-2.5">
        <CallKey
          icon={view.muted ? "mic-off" : "mic"}
          label={view.muted ? "Muted" : "Mute"}
          does={view.muted ? "Unmute" : "Mute"}
          keys="M"
          pressed={view.muted}
          tone="stop"
          disabled={!here}
          onPress={() => phone.mute(!view.muted)}
        />
        <CallKey
          icon={held ? "play" : "pause"}
          label={
            held ? (
              <>
                On Hold <Timer read={() => holdFace(since(view, call.held_since ?? 0, Date.now()))} />
              </>
            ) : (
              "Hold"
            )
          }
          does={held ? "Resume" : "Hold"}
          keys="H"
          pressed={held}
          tone="hold"
          disabled={still}
          onPress={() => void phone.hold()}
        />
        <CallKey
          icon="keypad"
          label="Keypad"
          does="Keypad"
          keys="K"
          pressed={keypad}
          tone="brand"
          disabled={still}
          onPress={() => onKeypad(!keypad)}
        />
      </div>
      {keypad ? <Keypad onDigit={(digit) => void phone.digits(digit)} /> : null}
      <SoFar steps={[`Came through ${call.team}`, ...call.so_far]} />
      <div className="mt-auto pt-5">
        <button
          type="button"
          disabled={still}
          aria-keyshortcuts="E"
          onClick={() => void phone.hangUp()}
          className="flex h-13 w-full items-center justify-center gap-2.5 rounded-xl bg-stop-fill font-semibold text-on-fill transition-[background-color,scale] hover:bg-stop-fill-strong active:scale-[0.99] disabled:opacity-55"
        >
          <Icon name="phone-end" size={22} />
          End
        </button>
      </div>
    </section>
  );
}

function SoFar({ steps }: { steps: readonly string[] }) {
  return (
    <ul className="mt-4 flex flex-wrap gap-1.5" aria-label="What the caller did so far">
      {steps.map((step) => (
        <li key={step} className="rounded-md bg-well px-2 py-1 text-soft text-xs">
          {step}
        </li>
      ))}
    </ul>
  );
}

function CallKey({
  icon,
  label,
  does,
  keys,
  pressed,
  tone,
  disabled,
  onPress,
}: {
  icon: IconName;
  label: React.ReactNode;
  does: string;
  keys: string;
  pressed: boolean;
  tone: "stop" | "hold" | "brand";
  disabled: boolean;
  onPress: () => void;
}) {
  return (
    <Tip text={does} keys={keys}>
      <button
        type="button"
        aria-pressed={pressed}
        aria-keyshortcuts={keys}
        disabled={disabled}
        onClick={onPress}
        className={classes(
          "flex h-18 flex-col items-center justify-center gap-1.5 rounded-xl border font-medium text-xs tabular-nums transition-[background-color,border-color,color,scale] active:scale-[0.98] disabled:opacity-55",
          pressed
            ? PRESSED[tone]
            : "border-line bg-raised text-soft shadow-card hover:bg-hover hover:text-ink",
        )}
      >
        <Icon name={icon} size={22} />
        <span>{label}</span>
      </button>
    </Tip>
  );
}

const PRESSED = {
  stop: "border-stop/40 bg-stop-wash text-stop-ink",
  hold: "border-hold bg-hold text-on-hold",
  brand: "border-brand/40 bg-brand-wash text-brand-strong",
};

const WORD_TONES: Record<string, string> = {
  Connected: "text-go-strong",
  "On Hold": "text-hold-ink",
  Connecting: "text-brand",
  Reconnecting: "text-hold-ink",
};
