/** What was published: look at it, compare it, take it into the draft, or give it to callers again. */
import { useState } from "react";
import { readVersion, useRollBack, useVersions } from "../../api/flows";
import type { VersionSummary } from "../../api/words";
import { move } from "../../core/flow-edit";
import { positions } from "../../core/flow-layout";
import { fullMoment } from "../../core/time";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Notice } from "../../ui/Notice";
import { EmptyState, ErrorState, Skeleton } from "../../ui/states";
import { useDesk } from "./Desk";

export function Versions() {
  const { id, sheet, setSheet } = useDesk();
  const open = sheet === "versions";
  const versions = useVersions(id, open);
  return (
    <Dialog
      side
      open={open}
      onClose={() => setSheet(null)}
      title="Versions"
      about="Published versions never change. Calls in progress keep the one they began on."
    >
      {versions.isPending ? (
        <div role="status" aria-label="Loading versions" className="flex flex-col gap-3">
          <Skeleton height={84} />
          <Skeleton height={84} />
        </div>
      ) : versions.isError ? (
        <ErrorState title="The versions could not be loaded" onRetry={() => void versions.refetch()}>
          {versions.error.message}
        </ErrorState>
      ) : versions.data.length === 0 ? (
        <EmptyState icon="history" title="Never published">
          The first version comes with the first Publish.
        </EmptyState>
      ) : (
        <ol className="flex flex-col gap-3">
          {versions.data.map((version) => (
            <Version key={version.version} version={version} />
          ))}
        </ol>
      )}
    </Dialog>
  );
}

function Version({ version }: { version: VersionSummary }) {
  const { id, editor, compare, setSheet } = useDesk();
  const rollBack = useRollBack(id);
  const [fault, setFault] = useState<string | null>(null);
  const name = `v${version.version}`;
  const read = (then: (flow: Awaited<ReturnType<typeof readVersion>>) => void) => {
    setFault(null);
    readVersion(id, version.version).then(
      (flow) => {
        then(move(flow, positions(flow)));
        setSheet(null);
      },
      (why: unknown) => setFault(why instanceof Error ? why.message : String(why)),
    );
  };
  return (
    <li className="rounded-xl border border-line bg-card p-4">
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="font-semibold text-sm">Version {version.version}</h3>
        {version.is_current ? <Badge tone="go">Callers get this one</Badge> : null}
      </div>
      <p className="mt-1 text-faint text-xs">
        {fullMoment(version.published_at)}
        {version.published_by ? ` · ${version.published_by.name}` : ""} · {version.calls}{" "}
        {version.calls === 1 ? "call" : "calls"}
      </p>
      {version.note ? <p className="mt-2 text-pretty text-[0.8125rem] text-soft">{version.note}</p> : null}
      <div className="mt-3 flex flex-wrap gap-2">
        <Button
          size="sm"
          onClick={() => read((before) => compare({ title: `Since ${name}`, before, after: editor.flow }))}
        >
          Compare
        </Button>
        <Button
          size="sm"
          onClick={() =>
            read((flow) =>
              editor.deeds.edit(`take ${name} into the draft`, () => ({ ...flow, name: editor.flow.name })),
            )
          }
        >
          Take into the draft
        </Button>
        {version.is_current ? null : (
          <Button size="sm" busy={rollBack.isPending} onClick={() => rollBack.mutate(version.version)}>
            Roll back to {name}
          </Button>
        )}
      </div>
      {fault || rollBack.isError ? (
        <div className="mt-3">
          <Notice tone="stop">{fault ?? rollBack.error?.message}</Notice>
        </div>
      ) : null}
    </li>
  );
}
