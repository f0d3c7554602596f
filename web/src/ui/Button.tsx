/** What one presses: a button with words, and a button with an icon alone. */
import type { ButtonHTMLAttributes, Ref } from "react";
import { classes } from "./classes";
import { Icon, type IconName } from "./Icon";
import { Tip } from "./Tip";

export type Tone = "plain" | "brand" | "go" | "stop" | "hold" | "quiet";

type Common = Omit<ButtonHTMLAttributes<HTMLButtonElement>, "className"> & {
  tone?: Tone;
  size?: "sm" | "md" | "lg";
  /** The request is under way: shows a spinner and refuses more presses. */
  busy?: boolean;
  wide?: boolean;
  ref?: Ref<HTMLButtonElement>;
};

/** A button with words, an icon before them if wanted. */
export function Button({
  tone = "plain",
  size = "md",
  busy = false,
  wide = false,
  icon,
  children,
  disabled,
  type = "button",
  ...rest
}: Common & { icon?: IconName }) {
  return (
    <button
      type={type}
      className={classes(BASE, TONES[tone], SIZES[size], wide && "w-full")}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy ? <Spinner /> : icon ? <Icon name={icon} size={size === "sm" ? 16 : 18} /> : null}
      {children}
    </button>
  );
}

/** A button that is an icon; `label` is its name and its tooltip. */
export function IconButton({
  icon,
  label,
  tone = "quiet",
  size = "md",
  busy = false,
  wide = false,
  type = "button",
  disabled,
  ...rest
}: Common & { icon: IconName; label: string }) {
  return (
    <Tip text={label}>
      <button
        type={type}
        aria-label={label}
        className={classes(BASE, TONES[tone], SQUARES[size], wide && "w-full")}
        disabled={disabled || busy}
        {...rest}
      >
        {busy ? <Spinner /> : <Icon name={icon} size={size === "sm" ? 16 : 20} />}
      </button>
    </Tip>
  );
}

/** Work under way. */
export function Spinner({ size = 16 }: { size?: number }) {
  return (
    <span
      aria-hidden="true"
      className="inline-block animate-spin-slow rounded-full border-2 border-current border-r-transparent opacity-80"
      style={{ width: size, height: size }}
    />
  );
}

const BASE =
  "inline-flex select-none items-center justify-center gap-2 whitespace-nowrap font-medium transition-[background-color,border-color,color,box-shadow,scale] duration-150 active:scale-[0.98] disabled:pointer-events-none disabled:opacity-55";

const TONES: Record<Tone, string> = {
  plain: "border border-line bg-raised text-ink shadow-card hover:bg-hover",
  brand: "bg-brand text-on-brand hover:bg-brand-strong",
  go: "bg-go-fill text-on-fill hover:bg-go-fill-strong",
  stop: "bg-stop-fill text-on-fill hover:bg-stop-fill-strong",
  hold: "bg-hold text-on-hold hover:brightness-95",
  quiet: "text-soft hover:bg-hover hover:text-ink",
};

const SIZES = {
  sm: "h-8 rounded-md px-2.5 text-[0.8125rem]",
  md: "h-10 rounded-lg px-4 text-sm",
  lg: "h-12 rounded-xl px-5 text-[0.9375rem]",
};

const SQUARES = { sm: "size-8 rounded-md", md: "size-10 rounded-lg", lg: "size-12 rounded-xl" };
