/** A sheet of paper on the page. */
import type { HTMLAttributes, ReactNode } from "react";
import { classes } from "./classes";

/** Give `title` for a headed card. */
export function Card({
  title,
  aside,
  flush = false,
  children,
  ...rest
}: Omit<HTMLAttributes<HTMLElement>, "className" | "title"> & {
  title?: ReactNode;
  aside?: ReactNode;
  /** Lets the content reach the edges. */
  flush?: boolean;
}) {
  return (
    <section className="overflow-hidden rounded-xl border border-line bg-card shadow-card" {...rest}>
      {title ? (
        <header className="flex min-h-13 flex-wrap items-center justify-between gap-x-3 gap-y-1 px-5 pt-3 pb-1">
          <h2 className="font-semibold text-[0.9375rem] tracking-[-0.01em]">{title}</h2>
          {aside}
        </header>
      ) : null}
      <div className={classes(!flush && "px-5 pb-5", !flush && !title && "pt-5")}>{children}</div>
    </section>
  );
}
