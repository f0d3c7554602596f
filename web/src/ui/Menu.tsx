/** A menu that drops from a button. */
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";
import { classes } from "./classes";
import { Icon, type IconName } from "./Icon";

/** `trigger` is the button; the children are items, labels and lines. */
export function Menu({
  trigger,
  align = "start",
  side = "bottom",
  children,
  open,
  onOpenChange,
}: {
  trigger: ReactNode;
  align?: "start" | "end" | "center";
  side?: "top" | "bottom" | "right";
  children: ReactNode;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
}) {
  return (
    <DropdownMenu.Root open={open} onOpenChange={onOpenChange} modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="z-50 min-w-[max(14rem,var(--radix-dropdown-menu-trigger-width))] animate-fade rounded-xl border border-line bg-raised p-1 shadow-float outline-none"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** One thing to choose. `mark` stands before it: an icon or a dot of its own. */
export function MenuItem({
  icon,
  mark,
  chosen,
  hint,
  children,
  onSelect,
}: {
  icon?: IconName;
  mark?: ReactNode;
  chosen?: boolean;
  hint?: string;
  children: ReactNode;
  onSelect: () => void;
}) {
  const face = (
    <>
      <span className="grid w-5 shrink-0 place-items-center text-soft">
        {mark ?? (icon ? <Icon name={icon} size={18} /> : null)}
      </span>
      <span className="flex-1">
        {children}
        {hint ? <span className="block text-faint text-xs">{hint}</span> : null}
      </span>
      {chosen ? <Icon name="check" size={16} className="text-brand" /> : null}
    </>
  );
  const look = classes(
    "flex min-h-9 cursor-pointer items-center gap-2.5 rounded-md px-2 py-1.5 text-sm outline-none data-highlighted:bg-hover",
  );
  return chosen === undefined ? (
    <DropdownMenu.Item className={look} onSelect={onSelect}>
      {face}
    </DropdownMenu.Item>
  ) : (
    <DropdownMenu.CheckboxItem className={look} checked={chosen} onSelect={onSelect}>
      {face}
    </DropdownMenu.CheckboxItem>
  );
}

/** A small heading inside a menu. */
export function MenuLabel({ children }: { children: ReactNode }) {
  return (
    <DropdownMenu.Label className="px-2.5 pt-2 pb-1 font-medium text-faint text-xs">
      {children}
    </DropdownMenu.Label>
  );
}

/** A line between groups. */
export function MenuLine() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}
