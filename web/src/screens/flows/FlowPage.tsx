/** One flow, to be looked at: its numbers, its version, its nodes. */
import { Link } from "wouter";
import { useFlows } from "../../api/calls";
import { useFlow } from "../../api/flows";
import { Refusal } from "../../api/request";
import { prettyNumber } from "../../core/phone-number";
import { Badge } from "../../ui/Badge";
import { Card } from "../../ui/Card";
import { Icon } from "../../ui/Icon";
import { Page } from "../../ui/Page";
import { EmptyState, ErrorState, Skeleton } from "../../ui/states";
import { FlowCanvas } from "./FlowCanvas";
import { FlowOutline } from "./FlowOutline";
import { PublishedBadge } from "./FlowsPage";

export default function FlowPage({ id }: { id: string }) {
  const flow = useFlow(id);
  const numbers = useFlows().data?.find((f) => f.id === id)?.numbers ?? [];
  const before = (
    <Link
      href="/flows"
      className="-ml-2 mb-3 inline-flex h-8 items-center gap-1.5 rounded-md px-2 text-soft text-sm transition-colors hover:bg-hover hover:text-ink"
    >
      <Icon name="back" size={16} />
      Flows
    </Link>
  );
  if (!flow.data)
    return (
      <Page title="Flow" before={before}>
        <Card flush>
          {flow.isPending ? (
            <div role="status" aria-label="Loading the flow" className="p-5">
              <Skeleton height={320} />
            </div>
          ) : flow.error instanceof Refusal && flow.error.status === 404 ? (
            <EmptyState icon="search" title="There is no such flow" />
          ) : (
            <ErrorState title="The flow could not be loaded" onRetry={() => void flow.refetch()}>
              {flow.error?.message}
            </ErrorState>
          )}
        </Card>
      </Page>
    );
  return (
    <Page
      title={flow.data.name}
      before={before}
      aside={
        <span className="flex flex-wrap items-center gap-2">
          {numbers.length > 0 ? (
            numbers.map((number) => (
              <Badge key={number} dot={false}>
                <Icon name="phone-in" size={13} />
                <span className="tabular-nums">{prettyNumber(number)} starts here</span>
              </Badge>
            ))
          ) : (
            <Badge>No number starts here</Badge>
          )}
          <PublishedBadge version={flow.data.published_version} />
        </span>
      }
    >
      <FlowCanvas flow={flow.data.flow} />
      <FlowOutline flow={flow.data.flow} />
    </Page>
  );
}
