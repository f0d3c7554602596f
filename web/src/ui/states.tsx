/** What a page shows when there is nothing, when it failed, and while it waits. */
import type { ReactNode } from "react";
import { Button } from "./Button";
import { classes } from "./classes";
import { Icon, type IconName } from "./Icon";

/** Nothing here, and what would bring something. */
export function EmptyState({
  icon,
  title,
  children,
  action,
}: {
  icon: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="mx-auto flex max-w-sm flex-col items-center px-6 py-16 text-center">
      <span className="mb-4 grid size-14 place-items-center rounded-2xl bg-brand-wash text-brand">
        <Icon name={icon} size={26} />
      </span>
      <h2 className="font-semibold">{title}</h2>
      {children ? <p className="mt-1.5 text-pretty text-soft text-sm">{children}</p> : null}
      {action ? <div className="mt-5">{action}</div> : null}
    </div>
  );
}

/** It failed: what happened, and a way to try again. */
export function ErrorState({
  title,
  children,
  onRetry,
}: {
  title: string;
  children?: ReactNode;
  onRetry?: () => void;
}) {
  return (
    <div role="alert" className="mx-auto flex max-w-sm flex-col items-center px-6 py-16 text-center">
      <span className="mb-4 grid size-14 place-items-center rounded-2xl bg-stop-wash text-stop-ink">
        <Icon name="warning" size={26} />
      </span>
      <h2 className="font-semibold">{title}</h2>
      {children ? <p className="mt-1.5 text-pretty text-soft text-sm">{children}</p> : null}
      {onRetry ? (
        <div className="mt-5">
          <Button icon="refresh" onClick={onRetry}>
            Try again
          </Button>
        </div>
      ) : null}
    </div>
  );
}

/** The grey shape of what is coming. */
export function Skeleton({
  width = "100%",
  height = 14,
  round = false,
}: {
  width?: number | string;
  height?: number;
  round?: boolean;
}) {
  return (
    <span
      aria-hidden="true"
      className={classes("skeleton block", round ? "rounded-full" : "rounded-md")}
      style={{ width, height }}
    />
  );
}
