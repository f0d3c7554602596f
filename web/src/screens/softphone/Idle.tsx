/** The phone at rest: the status, and whether a call would ring here. */
import { useState } from "react";
import { standing } from "../../core/phone-words";
import { clockFace } from "../../core/time";
import { Button } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { Notice } from "../../ui/Notice";
import { usePhone } from "./PhoneContext";

export function Idle() {
  const [view, phone] = usePhone();
  const now = standing(view);
  const off =
    view.told !== null &&
    view.lead === "here" &&
    view.link.is === "open" &&
    view.told.presence !== "available";
  return (
    <div className="flex flex-1 flex-col gap-4">
      <div className="flex flex-1 flex-col items-center justify-center py-8 text-center max-lg:py-5">
        <span
          className={classes(
            "mb-4 grid size-20 place-items-center rounded-full transition-colors duration-500",
            DISCS[now.tone],
          )}
        >
          <Icon name="phone" size={32} />
        </span>
        <p className="font-semibold text-lg tracking-tight" role="status">
          {now.word}
        </p>
        <p className="mt-0.5 text-balance text-soft text-sm">{now.more}</p>
        {off ? (
          <div className="mt-5">
            <Button tone="go" onClick={() => void phone.presence("available")}>
              Go Available
            </Button>
          </div>
        ) : null}
      </div>
      <Ended />
      <NotificationOffer />
    </div>
  );
}

function Ended() {
  const [view, phone] = usePhone();
  if (!view.ended) return null;
  return (
    <Notice tone="go" icon="phone" onClose={() => phone.endRead()}>
      <span className="font-medium">Call ended</span>
      <span className="tabular-nums"> · {clockFace(view.ended.talk_ms)}</span>
      <span className="block truncate text-soft">{view.ended.name}</span>
    </Notice>
  );
}

/** Asks once, politely, and only where it would help. */
function NotificationOffer() {
  const [view] = usePhone();
  const [open, setOpen] = useState(
    () =>
      "Notification" in window &&
      Notification.permission === "default" &&
      localStorage.getItem(REFUSED) === null,
  );
  if (!open || view.told?.presence !== "available" || view.lead !== "here") return null;
  return (
    <Notice
      icon="bell"
      onClose={() => {
        localStorage.setItem(REFUSED, "1");
        setOpen(false);
      }}
      action={
        <Button size="sm" onClick={() => Notification.requestPermission().finally(() => setOpen(false))}>
          Turn on notifications
        </Button>
      }
    >
      Hear of calls while this page is hidden.
    </Notice>
  );
}

const REFUSED = "patchbay.no-notifications";
const DISCS = {
  go: "bg-go-wash text-go",
  hold: "bg-hold-wash text-hold-ink",
  stop: "bg-stop-wash text-stop-ink",
  plain: "bg-well text-faint",
};
