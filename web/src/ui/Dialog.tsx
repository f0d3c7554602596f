/** A sheet above the page: in the middle, or from the right. The browser's own dialog, so focus stays inside and comes back. */
import { type ReactNode, useEffect, useId, useRef } from "react";
import { classes } from "./classes";
import { Icon } from "./Icon";

/** `side` makes it a drawer. Esc, the cross and a click beside it close it. */
export function Dialog({
  open,
  onClose,
  title,
  about,
  side = false,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  about?: string;
  side?: boolean;
  children: ReactNode;
}) {
  const sheet = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (open && !sheet.current?.open) {
      sheet.current?.showModal();
      // Else the browser takes the first thing, which is the cross.
      sheet.current?.querySelector<HTMLElement>("[data-focus]")?.focus();
    }
    if (!open && sheet.current?.open) sheet.current.close();
  }, [open]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the click beside the sheet repeats what Esc does
    <dialog
      ref={sheet}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && onClose()}
      className={classes(
        "scroll-quiet overflow-y-auto bg-raised p-0 text-ink shadow-float backdrop:bg-[oklch(0.15_0.02_245/0.45)] open:animate-rise",
        side
          ? "my-0 mr-0 ml-auto h-dvh max-h-dvh w-full max-w-105"
          : "mx-auto mt-[12dvh] max-h-[76dvh] w-[calc(100%-2rem)] max-w-md rounded-2xl border border-line",
      )}
    >
      {open ? (
        <>
          <header className="sticky top-0 flex items-start justify-between gap-4 bg-raised px-5 pt-4 pb-3">
            <div>
              <h2 id={id} className="font-semibold">
                {title}
              </h2>
              {about ? <p className="mt-0.5 text-soft text-sm">{about}</p> : null}
            </div>
            {/* WHY no tooltip: an open one takes the first Esc for itself, and the sheet would need a second. */}
            <button
              type="button"
              aria-label="Close"
              onClick={onClose}
              className="grid size-8 shrink-0 place-items-center rounded-md text-soft transition-colors hover:bg-hover hover:text-ink"
            >
              <Icon name="close" size={16} />
            </button>
          </header>
          <div className="px-5 pb-5">{children}</div>
        </>
      ) : null}
    </dialog>
  );
}
