/** The flows: what callers walk through, and which number starts where. */
import { Link } from "wouter";
import { useFlows } from "../../api/calls";
import type { FlowSummary } from "../../api/words";
import { prettyNumber } from "../../core/phone-number";
import { Badge } from "../../ui/Badge";
import { Card } from "../../ui/Card";
import { Icon } from "../../ui/Icon";
import { Page } from "../../ui/Page";
import { EmptyState, ErrorState, Skeleton } from "../../ui/states";

export function FlowsPage() {
  const flows = useFlows();
  return (
    <Page title="Flows" about="What callers hear and press before they reach someone.">
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
      ) : flows.data.length === 0 ? (
        <Card flush>
          <EmptyState icon="flows" title="No flows yet">
            A flow greets callers, lets them choose, and hands them to a team.
          </EmptyState>
        </Card>
      ) : (
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,18rem),1fr))] gap-4">
          {flows.data.map((flow) => (
            <li key={flow.id}>
              <FlowCard flow={flow} />
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}

function FlowCard({ flow }: { flow: FlowSummary }) {
  return (
    <Link
      href={`/flows/${flow.id}`}
      className="group flex h-full flex-col rounded-xl border border-line bg-card p-5 shadow-card transition-[border-color,box-shadow] hover:border-edge hover:shadow-raised"
    >
      <span className="flex items-center gap-3">
        <span className="grid size-10 place-items-center rounded-lg bg-brand-wash text-brand">
          <Icon name="flows" />
        </span>
        <span className="min-w-0 flex-1 truncate font-semibold">{flow.name}</span>
        <Icon
          name="chevron-right"
          size={18}
          className="text-faint transition-transform group-hover:translate-x-0.5"
        />
      </span>
      <span className="mt-4 flex flex-wrap items-center gap-2">
        <PublishedBadge version={flow.published_version} />
        {flow.numbers.map((number) => (
          <Badge key={number} dot={false}>
            <Icon name="phone-in" size={13} />
            <span className="tabular-nums">{prettyNumber(number)}</span>
          </Badge>
        ))}
      </span>
    </Link>
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
