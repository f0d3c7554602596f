/** What a settings page shows while it waits, when it failed, and once it is there. */
import type { ReactNode } from "react";
import { Card } from "../../ui/Card";
import { ErrorState, Skeleton } from "../../ui/states";

interface Asked<T> {
  data: T | undefined;
  error: Error | null;
  refetch: () => unknown;
}

export function Loaded<T>({
  of,
  what,
  children,
}: {
  of: Asked<T>;
  what: string;
  children: (data: T) => ReactNode;
}) {
  if (of.data !== undefined) return children(of.data);
  if (of.error)
    return (
      <Card flush>
        <ErrorState title={`The ${what} could not be loaded`} onRetry={() => void of.refetch()}>
          {of.error.message}
        </ErrorState>
      </Card>
    );
  return (
    <div role="status" aria-label={`Loading the ${what}`} className="flex flex-col gap-4">
      <Skeleton height={96} />
      <Skeleton height={96} />
    </div>
  );
}
