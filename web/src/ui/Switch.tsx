/** On or off, with what it means beside it. */
import { useId } from "react";

export function Switch({
  label,
  hint,
  on,
  onChange,
}: {
  label: string;
  hint?: string;
  on: boolean;
  onChange: (on: boolean) => void;
}) {
  const id = useId();
  return (
    <div className="flex items-start gap-3">
      <span className="relative mt-px inline-grid shrink-0">
        <input
          id={id}
          type="checkbox"
          role="switch"
          checked={on}
          aria-checked={on}
          aria-describedby={hint ? `${id}-told` : undefined}
          onChange={(event) => onChange(event.target.checked)}
          className="peer h-6 w-10 cursor-pointer appearance-none rounded-full border border-edge bg-well transition-colors checked:border-brand checked:bg-brand"
        />
        <span
          aria-hidden="true"
          className="pointer-events-none absolute top-1 left-1 size-4 rounded-full bg-soft transition-[translate,background-color] peer-checked:translate-x-4 peer-checked:bg-on-brand rtl:right-1 rtl:left-auto rtl:peer-checked:-translate-x-4"
        />
      </span>
      <span className="min-w-0">
        <label htmlFor={id} className="block cursor-pointer text-[0.8125rem] leading-6">
          {label}
        </label>
        {hint ? (
          <span id={`${id}-told`} className="block text-faint text-xs">
            {hint}
          </span>
        ) : null}
      </span>
    </div>
  );
}
