/** The flows: what callers walk through, and which number starts where. */
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { useFlows } from "../../api/calls";
import { useArchiveFlow, useDeleteFlow, useDuplicateFlow } from "../../api/flows";
import { canDraw, useMe } from "../../api/session";
import type { FlowSummary } from "../../api/words";
import { prettyNumber } from "../../core/phone-number";
import { sentence } from "../../core/sentence";
import { Badge } from "../../ui/Badge";
import { Button, IconButton } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Dialog } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { Menu, MenuItem, MenuLine } from "../../ui/Menu";
import { Notice } from "../../ui/Notice";
import { Page } from "../../ui/Page";
import { EmptyState, ErrorState, Skeleton } from "../../ui/states";
import { NewFlow } from "./NewFlow";

export function FlowsPage() {
  const flows = useFlows();
  const me = useMe();
  const draws = canDraw(me.data?.role ?? "agent");
  const [naming, setNaming] = useState(false);
  const [away, setAway] = useState(false);
  const all = flows.data ?? [];
  const shown = all.filter((f) => f.archived === away);
  const create = (
    <Button tone="brand" icon="plus" onClick={() => setNaming(true)}>
      New flow
    </Button>
  );
  return (
    <Page
      title={away ? "Archived flows" : "Flows"}
      about={
        away
          ? "Put away: they keep their log, and no new call begins on them."
          : "What callers hear and press before they reach someone."
      }
      aside={
        <span className="flex gap-2">
          {all.some((f) => f.archived) ? (
            <Button aria-pressed={away} icon="archive" onClick={() => setAway(!away)}>
              {away ? "Back to the flows" : "Archived"}
            </Button>
          ) : null}
          {draws && !away ? create : null}
        </span>
      }
    >
      {flows.isPending ? (
        <div role="status" aria-label="Loading flows">
          <Skeleton height={92} />
        </div>
      ) : flows.isError ? (
        <Card flush>
          <ErrorState title="The flows could not be loaded" onRetry={() => void flows.refetch()}>
            {flows.error.message}
          </ErrorState>
        </Card>
      ) : shown.length === 0 ? (
        <Card flush>
          <EmptyState icon="flows" title="No flows yet" action={draws && !away ? create : null}>
            A flow greets callers, lets them choose, and hands them to a team.
          </EmptyState>
        </Card>
      ) : (
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,18rem),1fr))] gap-4">
          {shown.map((flow) => (
            <li key={flow.id}>
              <FlowCard flow={flow} draws={draws} />
            </li>
          ))}
        </ul>
      )}
      <NewFlow open={naming} onClose={() => setNaming(false)} />
    </Page>
  );
}

function FlowCard({ flow, draws }: { flow: FlowSummary; draws: boolean }) {
  return (
    <div className="group relative flex h-full flex-col rounded-xl border border-line bg-card p-5 shadow-card transition-[border-color,box-shadow] hover:border-edge hover:shadow-raised">
      <div className="flex items-center gap-3">
        <span className="grid size-10 place-items-center rounded-lg bg-brand-wash text-brand">
          <Icon name="flows" />
        </span>
        <Link
          href={`/flows/${flow.id}`}
          className="min-w-0 flex-1 truncate font-semibold after:absolute after:inset-0 after:rounded-xl focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-brand"
        >
          {flow.name}
        </Link>
        {draws ? <CardMenu flow={flow} /> : null}
      </div>
      <span className="mt-4 flex flex-wrap items-center gap-2">
        <PublishedBadge version={flow.published_version} />
        {flow.changed && flow.published_version !== null ? (
          <Badge tone="hold">Draft has changes</Badge>
        ) : null}
        {flow.numbers.map((number) => (
          <Badge key={number} dot={false}>
            <Icon name="phone-in" size={13} />
            <span className="tabular-nums">{prettyNumber(number)}</span>
          </Badge>
        ))}
      </span>
    </div>
  );
}

function CardMenu({ flow }: { flow: FlowSummary }) {
  const duplicate = useDuplicateFlow();
  const remove = useDeleteFlow();
  const archive = useArchiveFlow();
  const [, goTo] = useLocation();
  const [asked, setAsked] = useState(false);
  const fault = remove.error ?? archive.error ?? duplicate.error;
  return (
    <span className="relative z-1">
      <Menu align="end" trigger={<IconButton icon="more" label={`More for ${flow.name}`} size="sm" />}>
        <MenuItem
          icon="copy"
          onSelect={() => duplicate.mutate(flow.id, { onSuccess: (made) => goTo(`/flows/${made.id}`) })}
        >
          Duplicate
        </MenuItem>
        <MenuItem
          icon="archive"
          onSelect={() =>
            archive.mutate({ id: flow.id, away: !flow.archived }, { onError: () => setAsked(true) })
          }
        >
          {flow.archived ? "Take out again" : "Archive"}
        </MenuItem>
        <MenuLine />
        <MenuItem icon="trash" onSelect={() => setAsked(true)}>
          Delete
        </MenuItem>
      </Menu>
      <Dialog open={asked} onClose={() => setAsked(false)} title={`Delete “${flow.name}”?`}>
        <p className="text-soft text-sm">
          The draft and every version go for good. A flow in use is not deleted.
        </p>
        {fault ? (
          <div className="mt-3">
            <Notice tone="stop">{sentence(fault.message)}</Notice>
          </div>
        ) : null}
        <div className="mt-5 flex justify-end gap-2">
          <Button onClick={() => setAsked(false)}>Keep it</Button>
          <Button
            tone="stop"
            busy={remove.isPending}
            onClick={() => remove.mutate(flow.id, { onSuccess: () => setAsked(false) })}
          >
            Delete
          </Button>
        </div>
      </Dialog>
    </span>
  );
}

/** Published with its version, or a draft. */
export function PublishedBadge({ version }: { version: number | null }) {
  return version === null ? (
    <Badge tone="hold">Draft</Badge>
  ) : (
    <Badge tone="go">Published · v{version}</Badge>
  );
}
