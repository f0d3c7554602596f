/** Where one types several lines. */
import { type TextareaHTMLAttributes, useId } from "react";
import { classes } from "./classes";

export function TextArea({
  label,
  hint,
  error,
  mono = false,
  ...rest
}: Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "className"> & {
  label: string;
  hint?: string;
  error?: string | undefined;
  /** Fixed width, for code. */
  mono?: boolean;
}) {
  const id = useId();
  const told = error ?? hint;
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <label htmlFor={id} className="font-medium text-soft text-xs">
        {label}
      </label>
      <textarea
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={told ? `${id}-told` : undefined}
        className={classes(
          "scroll-quiet field-sizing-content max-h-60 min-h-16 w-full resize-y rounded-lg border bg-raised px-3 py-2 text-[0.8125rem] text-ink leading-5 transition-colors placeholder:text-faint hover:border-soft focus-visible:border-brand focus-visible:outline-offset-0",
          mono && "font-mono text-xs",
          error ? "border-stop" : "border-edge",
        )}
        {...rest}
      />
      {told ? (
        <p id={`${id}-told`} className={classes("text-xs", error ? "text-stop-ink" : "text-faint")}>
          {told}
        </p>
      ) : null}
    </div>
  );
}
