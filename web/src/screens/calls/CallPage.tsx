/** One call: who ended it and why, its stages, everything that happened, and its recording. */
import { useEffect } from "react";
import { Link } from "wouter";
import { useCall, useHangUp } from "../../api/calls";
import { Refusal } from "../../api/request";
import type { CallDetail, Role } from "../../api/words";
import { enderWord, endSentence, isFinal } from "../../core/call-words";
import { nameAndNumber, prettyNumber } from "../../core/phone-number";
import { clockFace, fullMoment, momentLine, span } from "../../core/time";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Icon } from "../../ui/Icon";
import { Page } from "../../ui/Page";
import { EmptyState, ErrorState, Skeleton } from "../../ui/states";
import { RecordingCard } from "./RecordingCard";
import { StageBar } from "./StageBar";
import { StatusChip } from "./StatusChip";
import { Timeline } from "./Timeline";

export function CallPage({ id, role }: { id: string; role: Role }) {
  const call = useCall(id);
  useEffect(() => {
    window.scrollTo(0, 0);
  }, []);
  if (call.data) return <Detail call={call.data} role={role} />;
  return (
    <Page title="Call" before={<BackLink />}>
      <Card flush>
        {call.isPending ? (
          <Waiting />
        ) : call.error instanceof Refusal && call.error.status === 404 ? (
          <EmptyState icon="search" title="There is no such call">
            It may belong to another team, or the address is mistyped.
          </EmptyState>
        ) : (
          <ErrorState title="The call could not be loaded" onRetry={() => void call.refetch()}>
            {call.error?.message}
          </ErrorState>
        )}
      </Card>
    </Page>
  );
}

function Detail({ call, role }: { call: CallDetail; role: Role }) {
  const who = nameAndNumber(call.contact.name, call.contact.phone);
  const hangUp = useHangUp(call.id);
  const live = !isFinal(call.status);
  return (
    <Page
      title={who.name}
      before={<BackLink />}
      about={
        <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
          {who.number ? <span className="tabular-nums">{who.number}</span> : null}
          {who.number ? <span aria-hidden="true">·</span> : null}
          <time dateTime={new Date(call.started_at).toISOString()} title={fullMoment(call.started_at)}>
            {momentLine(call.started_at, Date.now())}
          </time>
        </span>
      }
      aside={
        live && role !== "agent" ? (
          <Button tone="stop" icon="phone-end" busy={hangUp.isPending} onClick={() => hangUp.mutate()}>
            End this call
          </Button>
        ) : null
      }
    >
      <div className="grid gap-4">
        <Card>
          <div className="flex items-start gap-4">
            <Avatar name={who.name} size="lg" />
            <div className="min-w-0 flex-1">
              <StatusChip status={call.status} />
              <p className="mt-2 text-balance font-medium text-lg leading-snug tracking-tight">
                {endSentence(call)}
              </p>
            </div>
          </div>
          <Facts call={call} />
          <StageBar call={call} />
        </Card>
        {call.recording ? <RecordingCard call={call} recording={call.recording} /> : null}
        <Card
          title="What happened"
          aside={<span className="text-faint text-xs">{call.timeline.length} steps</span>}
        >
          <Timeline entries={call.timeline} start={call.started_at} />
        </Card>
      </div>
    </Page>
  );
}

function Facts({ call }: { call: CallDetail }) {
  const facts: [string, string][] = [
    ["Number", prettyNumber(call.account.name)],
    ["Flow", call.flow ? `${call.flow.name} · v${call.flow.version}` : "–"],
    ["Team", call.team?.name ?? "–"],
    ["Agent", call.agent?.name ?? "–"],
    ["Pressed", call.digits || "–"],
    ["Wait", span(call.wait_ms)],
    ["Talk", span(call.talk_ms)],
    ["Hold", span(call.hold_ms)],
    ["Ended by", enderWord(call)],
    ["Length", clockFace((call.ended_at ?? Date.now()) - call.started_at)],
  ];
  return (
    <dl className="mt-5 grid grid-cols-2 gap-x-4 gap-y-3.5 sm:grid-cols-5">
      {facts.map(([name, value]) => (
        <div key={name} className="min-w-0">
          <dt className="text-faint text-xs">{name}</dt>
          <dd className="truncate font-medium text-sm tabular-nums" title={value}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function BackLink() {
  return (
    <Link
      href={cameFrom()}
      className="-ml-2 mb-3 inline-flex h-8 items-center gap-1.5 rounded-md px-2 text-soft text-sm transition-colors hover:bg-hover hover:text-ink"
    >
      <Icon name="back" size={16} />
      Calls
    </Link>
  );
}

/** The list as it was filtered, which the row's link has left in the history. */
function cameFrom(): string {
  const state: unknown = history.state;
  const search = typeof state === "object" && state !== null && "search" in state ? String(state.search) : "";
  return search ? `/calls?${search}` : "/calls";
}

function Waiting() {
  return (
    <div role="status" aria-label="Loading the call" className="flex flex-col gap-4 p-5">
      <div className="flex items-center gap-4">
        <Skeleton width={56} height={56} round />
        <Skeleton width="40%" height={20} />
      </div>
      <Skeleton height={44} />
      <Skeleton width="70%" />
      <Skeleton width="55%" />
    </div>
  );
}
