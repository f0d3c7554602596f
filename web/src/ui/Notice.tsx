/** A sentence with a button: a problem, a piece of news. Never a bare code. */
import type { ReactNode } from "react";
import { IconButton } from "./Button";
import { classes } from "./classes";
import { Icon, type IconName } from "./Icon";

export type NoticeTone = "info" | "hold" | "stop" | "go";

/** Sits in the page's flow; `onClose` adds a cross. */
export function Notice({
  tone = "info",
  icon,
  children,
  action,
  onClose,
}: {
  tone?: NoticeTone;
  icon?: IconName;
  children: ReactNode;
  action?: ReactNode;
  onClose?: () => void;
}) {
  return (
    <div
      className={classes(
        "flex animate-fade gap-2.5 rounded-lg px-3 py-2.5 text-[0.8125rem] leading-5",
        TONES[tone],
      )}
    >
      <Icon name={icon ?? ICONS[tone]} size={18} className="mt-px shrink-0" />
      <div className="min-w-0 flex-1">
        <div className="text-pretty text-ink">{children}</div>
        {action ? <div className="mt-2 flex flex-wrap gap-2">{action}</div> : null}
      </div>
      {onClose ? (
        <div className="-my-1.5 -mr-1.5">
          <IconButton icon="close" label="Dismiss" size="sm" onClick={onClose} />
        </div>
      ) : null}
    </div>
  );
}

const TONES: Record<NoticeTone, string> = {
  info: "bg-brand-wash text-brand",
  hold: "bg-hold-wash text-hold-ink",
  stop: "bg-stop-wash text-stop-ink",
  go: "bg-go-wash text-go",
};
const ICONS: Record<NoticeTone, IconName> = { info: "info", hold: "warning", stop: "warning", go: "check" };
