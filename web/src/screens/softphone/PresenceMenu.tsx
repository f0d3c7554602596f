/** What the agent is set to, and the menu that changes it. */
import type { Presence } from "../../api/words";
import { standing } from "../../core/phone-words";
import { stay } from "../../core/time";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { Menu, MenuItem, MenuLabel, MenuLine } from "../../ui/Menu";
import { Timer } from "../../ui/Timer";
import type { PhoneView } from "./Phone";
import { usePhone } from "./PhoneContext";

/** The coloured dot of a presence; its shape differs too, so colour is not the only sign. */
export function PresenceDot({ presence, ready = true }: { presence: Presence; ready?: boolean }) {
  return (
    <svg aria-hidden="true" viewBox="0 0 12 12" className={classes("size-3 shrink-0", DOTS[presence])}>
      {presence === "available" && ready ? <circle cx="6" cy="6" r="5" fill="currentColor" /> : null}
      {presence === "available" && !ready ? (
        <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray="3 2" />
      ) : null}
      {presence === "busy" ? (
        <>
          <circle cx="6" cy="6" r="5" fill="currentColor" />
          <path d="M3.700 6h4.600" stroke="var(--color-card)" strokeWidth="1.600" strokeLinecap="round" />
        </>
      ) : null}
      {presence === "away" ? (
        <path
          d="M9.800 7.600A4.600 4.600 0 1 1 5.400 1.500a3.700 3.700 0 0 0 4.400 6.100Z"
          fill="currentColor"
        />
      ) : null}
      {presence === "offline" ? (
        <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="2" />
      ) : null}
    </svg>
  );
}

/** The button that says the status and drops the menu. */
export function PresenceMenu({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const [view, phone] = usePhone();
  const told = view.told;
  const now = standing(view);
  const presence = told?.presence ?? "offline";
  return (
    <Menu
      open={open}
      onOpenChange={onOpenChange}
      align="center"
      trigger={
        <button
          type="button"
          disabled={!told || view.link.is !== "open"}
          className="flex w-full items-center gap-3 rounded-xl border border-line bg-raised px-3.5 py-2.5 text-left shadow-card transition-colors hover:bg-hover disabled:opacity-70"
        >
          <PresenceDot presence={presence} ready={told?.reachable ?? false} />
          <span className="min-w-0 flex-1">
            <span className="block font-medium text-sm">{told ? PRESENCE_WORDS[presence] : "…"}</span>
            <span className="block truncate text-faint text-xs">
              {told ? <PresenceTime view={view} /> : now.more}
            </span>
          </span>
          <Icon name="chevron" size={16} className="text-faint" />
        </button>
      }
    >
      <MenuLabel>Your status</MenuLabel>
      {CHOICES.map(({ presence: p, hint }) => (
        <MenuItem
          key={p}
          mark={<PresenceDot presence={p} />}
          chosen={presence === p}
          hint={hint}
          onSelect={() => void phone.presence(p)}
        >
          {PRESENCE_WORDS[p]}
        </MenuItem>
      ))}
      <MenuLine />
      <MenuLabel>Away, because of</MenuLabel>
      {AWAY_REASONS.map((reason) => (
        <MenuItem
          key={reason}
          mark={<PresenceDot presence="away" />}
          onSelect={() => void phone.presence("away", reason)}
        >
          {reason}
        </MenuItem>
      ))}
    </Menu>
  );
}

function PresenceTime({ view }: { view: PhoneView }) {
  const from = view.told?.presence_since ?? 0;
  // Who has never been on duty has been off duty since no moment in particular.
  if (from === 0) return null;
  return (
    <>
      for{" "}
      <Timer
        label="Time in this status"
        read={() => (view.told ? stay(Date.now() + view.desk_ahead_ms - from) : "")}
      />
    </>
  );
}

export const PRESENCE_WORDS: Record<Presence, string> = {
  available: "Available",
  busy: "Busy",
  away: "Away",
  offline: "Off duty",
};

const CHOICES: readonly { presence: Presence; hint: string }[] = [
  { presence: "available", hint: "Calls ring here" },
  { presence: "busy", hint: "At work, do not ring me" },
  { presence: "offline", hint: "Done for today" },
];

const AWAY_REASONS = ["Short break", "Lunch", "Meeting", "Training"] as const;

const DOTS: Record<Presence, string> = {
  available: "text-go",
  busy: "text-stop",
  away: "text-hold-ink",
  offline: "text-faint",
};
