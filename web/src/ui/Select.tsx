/** One choice of a few, complete from the keyboard. */
import { DropdownMenu } from "radix-ui";
import { classes } from "./classes";
import { Icon } from "./Icon";

export interface Choice {
  value: string;
  label: string;
}

/** An empty `value` means "any" and shows `any`; without `any` one of the choices is always chosen. `wide` fills its place. */
// WHY not Radix Select: it writes a <style> into the page, which our Content-Security-Policy forbids.
export function Select({
  label,
  value,
  any,
  choices,
  wide = false,
  error = false,
  id,
  onChange,
}: {
  label: string;
  value: string;
  any?: string;
  choices: readonly Choice[];
  wide?: boolean;
  error?: boolean;
  id?: string;
  onChange: (value: string) => void;
}) {
  const chosen = choices.find((c) => c.value === value);
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger
        id={id}
        aria-label={`${label}: ${chosen ? chosen.label : (any ?? "nothing")}`}
        className={classes(
          "inline-flex h-9 items-center gap-1.5 rounded-lg border px-3 text-[0.8125rem] transition-colors",
          wide ? "w-full justify-between" : "max-w-56",
          error
            ? "border-stop bg-raised text-ink"
            : chosen && any !== undefined && !wide
              ? "border-brand bg-brand-wash font-medium text-brand-strong"
              : classes(
                  "bg-raised hover:bg-hover hover:text-ink",
                  wide || any === undefined ? "border-edge" : "border-line",
                  chosen ? "text-ink" : "text-soft",
                ),
        )}
      >
        <span className="truncate">{chosen ? chosen.label : any}</span>
        <Icon name="chevron" size={14} className="shrink-0 opacity-70" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="start"
          sideOffset={6}
          collisionPadding={8}
          className="scroll-quiet z-50 max-h-80 min-w-(--radix-dropdown-menu-trigger-width) animate-fade overflow-y-auto rounded-xl border border-line bg-raised p-1 shadow-float outline-none"
        >
          <DropdownMenu.RadioGroup value={value} onValueChange={onChange}>
            {[...(any === undefined ? [] : [{ value: "", label: any }]), ...choices].map((c) => (
              <DropdownMenu.RadioItem
                key={c.value}
                value={c.value}
                className="flex h-9 cursor-pointer items-center justify-between gap-4 rounded-md px-2.5 text-[0.8125rem] outline-none data-highlighted:bg-hover"
              >
                {c.label}
                <DropdownMenu.ItemIndicator>
                  <Icon name="check" size={15} className="text-brand" />
                </DropdownMenu.ItemIndicator>
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
