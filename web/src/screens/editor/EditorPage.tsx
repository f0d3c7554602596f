/** Opens a flow's draft for drawing. */
import { useEffect, useMemo } from "react";
import { Link } from "wouter";
import { useFlows } from "../../api/calls";
import { useClips } from "../../api/clips";
import { useDraft, useFlow, useHasNotes } from "../../api/flows";
import { Refusal } from "../../api/request";
import { useTeams } from "../../api/settings";
import { Spinner } from "../../ui/Button";
import { EmptyState, ErrorState } from "../../ui/states";
import { Editor } from "./Editor";
import type { Around } from "./useDeskWords";

export default function EditorPage({ id }: { id: string }) {
  const draft = useDraft(id);
  const flow = useFlow(id);
  const flows = useFlows();
  const teams = useTeams();
  const clips = useClips();
  const notes = useHasNotes();
  const name = draft.data?.name;
  useEffect(() => {
    document.title = `${name ?? "Flow"} · Patchbay`;
  }, [name]);
  const published = useMemo(
    () =>
      flow.data && flow.data.published_version !== null
        ? { version: flow.data.published_version, flow: flow.data.flow }
        : null,
    [flow.data],
  );
  const around: Around = {
    flows: flows.data?.filter((f) => f.id !== id && f.published_version !== null) ?? [],
    teams: teams.data ?? [],
    clips: clips.data ?? [],
    notes,
    published,
  };
  if (draft.data) return <Editor key={draft.data.id} opened={draft.data} around={around} />;
  if (draft.isPending)
    return (
      <div
        role="status"
        aria-label="Opening the flow"
        className="grid min-h-dvh place-items-center text-faint"
      >
        <Spinner size={22} />
      </div>
    );
  if (draft.error instanceof Refusal && draft.error.status === 404)
    return (
      <EmptyState icon="search" title="There is no such flow" action={<Link href="/flows">All flows</Link>}>
        It may have been deleted.
      </EmptyState>
    );
  return (
    <ErrorState title="The flow could not be opened" onRetry={() => void draft.refetch()}>
      {draft.error.message}
    </ErrorState>
  );
}
