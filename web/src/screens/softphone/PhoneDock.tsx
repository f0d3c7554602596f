/** The softphone beside every page: at rest, ringing, in a call. Below 1024 px it is a sheet at the foot. */
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { deedOf, SHORTCUTS } from "../../core/phone-keys";
import { answering, stillRinging } from "../../core/phone-state";
import { callWord, standing } from "../../core/phone-words";
import { IconButton } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Dialog } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { Idle } from "./Idle";
import { InCall } from "./InCall";
import { usePhone } from "./PhoneContext";
import { PresenceDot, PresenceMenu } from "./PresenceMenu";
import { Problems } from "./Problems";
import { Ringing } from "./Ringing";

/** `slim` keeps it a narrow strip on wide windows while there is no call: the page needs the room. */
export function PhoneDock({ slim = false }: { slim?: boolean }) {
  const [view, phone] = usePhone();
  const panel = useRef<HTMLElement>(null);
  const [help, setHelp] = useState(false);
  const [statusOpen, setStatusOpen] = useState(false);
  const [keypad, setKeypad] = useState(false);
  const [sheetOpen, setSheetOpen] = useState(false);
  const call = view.told?.call ?? null;
  const ringing = stillRinging(view);
  const alive = call !== null || ringing.length > 0 || answering(view) !== null;

  const narrow = slim && !alive && !sheetOpen;

  // A call opens the sheet by itself, its end closes what belonged to it.
  const callId = call?.call ?? null;
  const [shownFor, setShownFor] = useState<{ alive: boolean; callId: string | null }>({
    alive: false,
    callId: null,
  });
  if (shownFor.alive !== alive || shownFor.callId !== callId) {
    setShownFor({ alive, callId });
    if (alive) setSheetOpen(true);
    if (!callId) setKeypad(false);
  }

  useEffect(() => {
    const toPhone = (event: globalThis.KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== ".") return;
      event.preventDefault();
      setSheetOpen(true);
      panel.current?.focus();
    };
    addEventListener("keydown", toPhone);
    return () => removeEventListener("keydown", toPhone);
  }, []);

  useEffect(() => {
    if (!view.ended) return;
    const gone = setTimeout(() => phone.endRead(), ENDED_SHOWN_MS);
    return () => clearTimeout(gone);
  }, [view.ended, phone]);

  function press(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !isOurs(event.target)) return;
    const deed = deedOf(event.key, {
      ringing: ringing.length > 0 && !call,
      on_call: call !== null,
      keypad_open: keypad,
    });
    if (!deed) return;
    event.preventDefault();
    const first = ringing[0];
    if (typeof deed === "object") {
      // The button is pressed, so that it lights and the digit shows as if clicked.
      panel.current?.querySelector<HTMLButtonElement>(`[data-digit="${CSS.escape(deed.digit)}"]`)?.click();
    } else if (deed === "answer" && first) void phone.answer(first.call);
    else if (deed === "decline" && first) void phone.decline(first.call);
    else if (deed === "mute") phone.mute(!view.muted);
    else if (deed === "hold") void phone.hold();
    else if (deed === "keypad") setKeypad(!keypad);
    else if (deed === "close_keypad") setKeypad(false);
    else if (deed === "end") void phone.hangUp();
    else if (deed === "status") setStatusOpen(true);
    else if (deed === "help") setHelp(true);
  }

  return (
    <aside
      ref={panel}
      aria-label="Phone"
      tabIndex={-1}
      onKeyDown={press}
      className={classes(
        "z-30 flex flex-col border-line bg-page outline-none focus-visible:outline-2 focus-visible:-outline-offset-2",
        "max-lg:fixed max-lg:inset-x-0 max-lg:bottom-0 max-lg:max-h-[88dvh] max-lg:rounded-t-2xl max-lg:border-t max-lg:shadow-float",
        "lg:sticky lg:top-0 lg:h-dvh lg:shrink-0 lg:border-l",
        narrow ? "lg:w-14" : "lg:w-85",
      )}
    >
      {narrow ? <Strip onOpen={() => setSheetOpen(true)} /> : null}
      <SheetHandle open={sheetOpen} onToggle={() => setSheetOpen(!sheetOpen)} />
      <div
        className={classes(
          "scroll-quiet min-h-0 flex-1 flex-col gap-4 overflow-y-auto p-4 max-lg:pt-1",
          sheetOpen ? "flex" : narrow ? "hidden" : "flex max-lg:hidden",
        )}
      >
        <header className="flex items-center justify-between max-lg:hidden">
          <h2 className="font-semibold text-[0.9375rem]">Phone</h2>
          <span className="flex">
            <IconButton icon="help" label="Keyboard shortcuts" size="sm" onClick={() => setHelp(true)} />
            {slim && !alive ? (
              <IconButton
                icon="chevron-right"
                label="Make the phone small"
                size="sm"
                onClick={() => setSheetOpen(false)}
              />
            ) : null}
          </span>
        </header>
        {call ? null : <PresenceMenu open={statusOpen} onOpenChange={setStatusOpen} />}
        <Problems />
        {call ? <InCall keypad={keypad} onKeypad={setKeypad} /> : null}
        <Ringing onCall={call !== null} />
        {alive ? null : <Idle />}
      </div>
      <Dialog
        open={help}
        onClose={() => setHelp(false)}
        title="Keyboard shortcuts"
        about="Single keys work while the phone has the focus."
      >
        <dl className="divide-y divide-line">
          {SHORTCUTS.map(({ keys, does }) => (
            <div key={keys} className="flex items-center justify-between gap-4 py-2.5 text-sm">
              <dt className="text-soft">{does}</dt>
              <dd className="flex gap-1">
                {keys.split(" ").map((k) => (
                  <kbd
                    key={k}
                    className="grid h-7 min-w-7 place-items-center rounded-md border border-line bg-well px-2 font-medium font-sans text-xs"
                  >
                    {k}
                  </kbd>
                ))}
              </dd>
            </div>
          ))}
        </dl>
      </Dialog>
    </aside>
  );
}

/** What is left of it beside a page that needs the room. */
function Strip({ onOpen }: { onOpen: () => void }) {
  const [view] = usePhone();
  return (
    <button
      type="button"
      aria-label={`Open the phone: ${standing(view).word}`}
      onClick={onOpen}
      className="mx-auto mt-4 flex w-10 flex-col items-center gap-2.5 rounded-lg py-2.5 text-soft transition-colors hover:bg-hover hover:text-ink max-lg:hidden"
    >
      <Icon name="phone" />
      <PresenceDot presence={view.told?.presence ?? "offline"} ready={view.told?.reachable ?? false} />
    </button>
  );
}

/** The one line that stays on small windows. */
function SheetHandle({ open, onToggle }: { open: boolean; onToggle: () => void }) {
  const [view] = usePhone();
  const ringing = stillRinging(view).length;
  const now = standing(view);
  const word = view.told?.call ? callWord(view) : ringing > 0 ? `${ringing} ringing` : now.word;
  return (
    <button
      type="button"
      aria-expanded={open}
      onClick={onToggle}
      className="flex h-14 shrink-0 items-center gap-3 px-4 text-left lg:hidden"
    >
      <PresenceDot presence={view.told?.presence ?? "offline"} ready={view.told?.reachable ?? false} />
      <span className="flex-1 font-medium text-sm">
        Phone <span className="font-normal text-soft">· {word}</span>
      </span>
      <Icon
        name="chevron"
        size={18}
        className={classes("text-soft transition-transform", !open && "rotate-180")}
      />
    </button>
  );
}

// React's events also climb out of menus and dialogs that only belong to the panel: a letter typed there is not for a call.
function isOurs(target: EventTarget): boolean {
  if (!(target instanceof HTMLElement) || !target.closest("aside") || target.closest("dialog")) return false;
  return !target.isContentEditable && !/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

const ENDED_SHOWN_MS = 12_000;
