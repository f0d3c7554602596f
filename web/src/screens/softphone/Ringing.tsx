/** Calls that ring: who, for whom, how long already, and what the caller did so far. */
import { useId } from "react";
import type { RingingCall } from "../../api/words";
import { nameAndNumber } from "../../core/phone-number";
import { answering, stillRinging } from "../../core/phone-state";
import { since } from "../../core/phone-words";
import { clockFace } from "../../core/time";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { Timer } from "../../ui/Timer";
import { usePhone } from "./PhoneContext";

/** The list, longest wait first; `onCall` shows them small, under the call that is on. */
export function Ringing({ onCall }: { onCall: boolean }) {
  const [view] = usePhone();
  const taking = answering(view);
  const ringing = view.told?.ringing.filter((r) => r.call === taking || stillRinging(view).includes(r)) ?? [];
  if (ringing.length === 0) return null;
  return (
    <ul className="flex flex-col gap-3" aria-label="Ringing calls">
      {ringing.map((call, at) => (
        <li key={call.call}>
          <RingingCard call={call} first={at === 0} small={onCall} taking={taking} />
        </li>
      ))}
    </ul>
  );
}

function RingingCard({
  call,
  first,
  small,
  taking,
}: {
  call: RingingCall;
  first: boolean;
  small: boolean;
  taking: string | null;
}) {
  const [view, phone] = usePhone();
  const id = useId();
  const who = nameAndNumber(call.caller.name, call.caller.phone);
  const busy = taking === call.call;
  return (
    // An alertdialog that takes no focus: it is announced once, and whoever is typing keeps typing.
    <div
      role="alertdialog"
      aria-labelledby={`${id}-who`}
      aria-describedby={`${id}-about`}
      className="animate-rise rounded-2xl border border-go/40 bg-raised p-4 shadow-raised"
    >
      <div className="flex items-center gap-3">
        <span className="animate-halo rounded-full">
          <Avatar name={who.name} size={small ? "md" : "lg"} />
        </span>
        <div className="min-w-0 flex-1">
          <p id={`${id}-who`} className="truncate font-semibold text-base tracking-tight">
            {who.name}
          </p>
          {who.number ? <p className="truncate text-soft text-sm tabular-nums">{who.number}</p> : null}
        </div>
        <span className="flex items-center gap-1 self-start text-soft text-xs">
          <Icon name="clock" size={14} />
          <Timer label="Waiting" read={() => clockFace(since(view, call.waiting_since, Date.now()))} />
        </span>
      </div>
      <ul id={`${id}-about`} className="mt-3 flex flex-wrap gap-1.5">
        <li className="rounded-md bg-brand-wash px-2 py-1 font-medium text-brand-strong text-xs">
          {call.team}
        </li>
        {call.so_far.map((step) => (
          <li key={step} className="rounded-md bg-well px-2 py-1 text-soft text-xs">
            {step}
          </li>
        ))}
      </ul>
      {small ? (
        <p className="mt-2 text-faint text-xs">End your call to answer this one.</p>
      ) : (
        <div className="mt-4 grid grid-cols-2 gap-2.5">
          <Button
            tone="stop"
            size="lg"
            icon="phone-end"
            disabled={busy}
            aria-keyshortcuts={first ? "D" : undefined}
            title="Decline: it keeps ringing for others"
            onClick={() => void phone.decline(call.call)}
          >
            Decline
          </Button>
          <Button
            tone="go"
            size="lg"
            icon="phone"
            busy={busy}
            aria-keyshortcuts={first ? "A" : undefined}
            disabled={taking !== null}
            onClick={() => void phone.answer(call.call)}
          >
            {busy ? "Connecting" : "Answer"}
          </Button>
        </div>
      )}
    </div>
  );
}
