/** A page's head and its width. */
import { type ReactNode, useEffect } from "react";

/** `title` also names the browser tab. */
export function Page({
  title,
  before,
  aside,
  about,
  children,
}: {
  title: string;
  before?: ReactNode;
  aside?: ReactNode;
  about?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Patchbay`;
  }, [title]);
  return (
    <div className="mx-auto w-full max-w-320 px-4 py-5 md:px-7 md:py-7">
      {before}
      <header className="mb-5 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <div className="min-w-0">
          <h1 className="truncate font-semibold text-2xl tracking-[-0.02em]">{title}</h1>
          {about ? <div className="mt-1 text-pretty text-soft text-sm">{about}</div> : null}
        </div>
        {aside}
      </header>
      {children}
    </div>
  );
}
