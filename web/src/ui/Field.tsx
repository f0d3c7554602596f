/** Where one types: a label, a box, a hint or what is wrong. */
import { type InputHTMLAttributes, type Ref, useId } from "react";
import { classes } from "./classes";
import { Icon, type IconName } from "./Icon";

type FieldProps = Omit<InputHTMLAttributes<HTMLInputElement>, "className" | "size"> & {
  label: string;
  /** The label is read, not seen. */
  bare?: boolean;
  hint?: string;
  error?: string;
  icon?: IconName;
  small?: boolean;
  ref?: Ref<HTMLInputElement>;
  /** A dialog that opens gives it the focus. */
  "data-focus"?: "";
};

/** One line of text. */
export function Field({ label, bare = false, hint, error, icon, small = false, ...rest }: FieldProps) {
  const id = useId();
  const told = error ?? hint;
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <label htmlFor={id} className={bare ? "sr-only" : "font-medium text-soft text-xs"}>
        {label}
      </label>
      <div className="relative">
        {icon ? (
          <Icon
            name={icon}
            size={16}
            className="pointer-events-none absolute inset-y-0 left-3 my-auto text-faint"
          />
        ) : null}
        <input
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={told ? `${id}-told` : undefined}
          className={classes(
            "w-full rounded-lg border bg-raised text-ink transition-colors placeholder:text-faint hover:border-soft",
            "focus-visible:border-brand focus-visible:outline-offset-0",
            small ? "h-9 text-[0.8125rem]" : "h-11 text-[0.9375rem]",
            icon ? "pr-3 pl-9" : "px-3",
            error ? "border-stop" : "border-edge",
          )}
          {...rest}
        />
      </div>
      {told ? (
        <p id={`${id}-told`} className={classes("text-xs", error ? "text-stop-ink" : "text-faint")}>
          {told}
        </p>
      ) : null}
    </div>
  );
}
