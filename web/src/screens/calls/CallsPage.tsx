/** The call log: what called, what became of it, kept fresh while one looks. */
import { useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { useCalls } from "../../api/calls";
import type { Call } from "../../api/words";
import { type CallFilter, filterOf, filtersSet, searchOf } from "../../core/call-filter";
import { enderWord } from "../../core/call-words";
import { nameAndNumber, prettyNumber } from "../../core/phone-number";
import { fullMoment, moment, momentLine, span } from "../../core/time";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Icon } from "../../ui/Icon";
import { Page } from "../../ui/Page";
import { EmptyState, ErrorState, Skeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/Table";
import { CallFilters } from "./CallFilters";
import { StatusChip } from "./StatusChip";

export function CallsPage() {
  const [search, setSearch] = useSearchParams();
  const filter = useMemo(() => filterOf(search), [search]);
  const setFilter = (next: CallFilter) => setSearch(new URLSearchParams(searchOf(next)), { replace: true });
  const calls = useCalls(filter);
  const rows = calls.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = filtersSet(filter) > 0 || Boolean(filter.q);
  return (
    <Page title="Calls" about={calls.isError && rows.length > 0 ? <Stale /> : undefined}>
      <CallFilters filter={filter} onChange={setFilter} />
      <Card flush>
        {calls.isPending ? (
          <Waiting />
        ) : rows.length > 0 ? (
          <CallList rows={rows} />
        ) : calls.isError ? (
          <ErrorState title="The calls could not be loaded" onRetry={() => void calls.refetch()}>
            {calls.error.message}
          </ErrorState>
        ) : filtered ? (
          <EmptyState
            icon="search"
            title="No call fits these filters"
            action={<Button onClick={() => setFilter({})}>Clear filters</Button>}
          >
            Take one away, or look at other dates.
          </EmptyState>
        ) : (
          <EmptyState icon="phone-in" title="No calls yet">
            When a customer calls one of your numbers, the call appears here at once.
          </EmptyState>
        )}
      </Card>
      {calls.hasNextPage ? (
        <div className="mt-5 flex justify-center">
          <Button busy={calls.isFetchingNextPage} onClick={() => void calls.fetchNextPage()}>
            Load more
          </Button>
        </div>
      ) : null}
    </Page>
  );
}

function CallList({ rows }: { rows: readonly Call[] }) {
  return (
    <div className="@container">
      <div className="hidden @xl:block">
        <Table label="Calls, newest first" columns={COLUMNS} rows={rows} keyOf={(call) => call.id} />
      </div>
      <ul className="divide-y divide-line @xl:hidden" aria-label="Calls, newest first">
        {rows.map((call) => (
          <li
            key={call.id}
            className="relative flex items-start gap-3 px-4 py-3.5 transition-colors hover:bg-hover/60"
          >
            <Avatar name={nameAndNumber(call.contact.name, call.contact.phone).name} />
            <div className="min-w-0 flex-1">
              <div className="flex items-center justify-between gap-2">
                <Who call={call} />
                <time
                  className="shrink-0 text-faint text-xs"
                  dateTime={new Date(call.started_at).toISOString()}
                >
                  {momentLine(call.started_at, Date.now())}
                </time>
              </div>
              <div className="mt-2 flex flex-wrap items-center gap-x-2.5 gap-y-1 text-soft text-xs">
                <StatusChip status={call.status} />
                <span>
                  {[call.team?.name, call.agent?.name].filter(Boolean).join(" · ") || call.flow?.name}
                </span>
                {call.talk_ms > 0 ? <span className="tabular-nums">{span(call.talk_ms)}</span> : null}
                <RecordingSign call={call} />
              </div>
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The contact; the link's area is the whole row. */
function Who({ call }: { call: Call }) {
  const who = nameAndNumber(call.contact.name, call.contact.phone);
  return (
    <div className="flex min-w-0 items-center gap-2">
      <Icon
        name={call.direction === "outgoing" ? "outgoing" : "incoming"}
        size={16}
        className="shrink-0 text-faint"
        title={call.direction === "outgoing" ? "Outgoing" : "Incoming"}
      />
      <div className="min-w-0">
        <Link
          href={`/calls/${call.id}`}
          state={{ search: location.search.slice(1) }}
          className="block truncate font-medium text-sm after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:rounded-md focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-brand"
        >
          {who.name}
        </Link>
        {who.number ? (
          <span className="block truncate text-faint text-xs tabular-nums">{who.number}</span>
        ) : null}
      </div>
    </div>
  );
}

function RecordingSign({ call }: { call: Call }) {
  switch (call.recording) {
    case "ready":
      return <Icon name="record" size={16} className="text-soft" title="Recording ready" />;
    case "recording":
      return (
        <Icon name="record" size={16} className="animate-breathe text-stop-ink" title="Being recorded" />
      );
    case "failed":
      return <Icon name="warning" size={16} className="text-hold-ink" title="The recording failed" />;
    default:
      return null;
  }
}

function Stale() {
  return <span className="text-stop-ink">The list could not be refreshed; trying again.</span>;
}

function Waiting() {
  return (
    <div role="status" aria-label="Loading calls" className="divide-y divide-line">
      {[0.55, 0.4, 0.62, 0.48, 0.58, 0.44, 0.5].map((share) => (
        <div key={share} className="flex h-14 items-center gap-4 px-5">
          <Skeleton width={88} height={22} round />
          <Skeleton width={`${share * 100}%`} />
        </div>
      ))}
    </div>
  );
}

function When({ at }: { at: number }) {
  const { clock, day } = moment(at, Date.now());
  return (
    <time dateTime={new Date(at).toISOString()} title={fullMoment(at)}>
      <span className="block text-soft">{clock}</span>
      {day ? <span className="block text-faint text-xs">{day}</span> : null}
    </time>
  );
}

function Muted({ children }: { children: React.ReactNode }) {
  return <span className="text-soft">{children}</span>;
}

const COLUMNS: readonly Column<Call>[] = [
  { name: "Status", cell: (call) => <StatusChip status={call.status} /> },
  { name: "Contact", wide: true, cell: (call) => <Who call={call} /> },
  {
    name: "Flow",
    spare: 2,
    cell: (call) => (
      <>
        <span className="block truncate">{call.flow ? call.flow.name : <Muted>–</Muted>}</span>
        <span className="block text-faint text-xs">{prettyNumber(call.account.name)}</span>
      </>
    ),
  },
  {
    name: "Agent",
    cell: (call) => (
      <>
        <span className="block">{call.agent?.name ?? <Muted>–</Muted>}</span>
        {call.team ? <span className="block text-faint text-xs">{call.team.name}</span> : null}
      </>
    ),
  },
  { name: "Wait", right: true, spare: 1, cell: (call) => <Muted>{span(call.wait_ms)}</Muted> },
  { name: "Talk", right: true, cell: (call) => <Muted>{span(call.talk_ms)}</Muted> },
  { name: "Hold", right: true, spare: 3, cell: (call) => <Muted>{span(call.hold_ms)}</Muted> },
  { name: "Ended by", spare: 4, cell: (call) => <Muted>{enderWord(call)}</Muted> },
  { name: "Rec", cell: (call) => <RecordingSign call={call} /> },
  { name: "Time", right: true, cell: (call) => <When at={call.started_at} /> },
];
