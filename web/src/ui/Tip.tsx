/** A word that appears beside what one points at or focuses. */
import { Tooltip } from "radix-ui";
import type { ReactNode } from "react";

/** Wraps one element; `text` shows after a moment. */
export function Tip({
  text,
  keys,
  side = "top",
  children,
}: {
  text: string;
  keys?: string;
  side?: "top" | "right" | "bottom";
  children: ReactNode;
}) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="z-50 flex max-w-64 animate-fade items-center gap-2 rounded-md bg-ink px-2 py-1 text-page text-xs shadow-raised"
        >
          {text}
          {keys ? <kbd className="font-sans opacity-70">{keys}</kbd> : null}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

/** Once, around the app. */
export function Tips({ children }: { children: ReactNode }) {
  return (
    <Tooltip.Provider delayDuration={450} skipDelayDuration={150}>
      {children}
    </Tooltip.Provider>
  );
}
