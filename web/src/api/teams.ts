/** The teams callers can be handed to. */
import { useQuery } from "@tanstack/react-query";
import type { NodeOf } from "../core/flow";
import { whole } from "../core/flow";
import { get, Refusal } from "./request";
import type { CallPage, FlowDetail, FlowSummary } from "./words";

export interface Team {
  id: string;
  name: string;
}

export function useTeams() {
  return useQuery({ queryKey: ["teams"], queryFn: ({ signal }) => teams(signal), staleTime: 60_000 });
}

/** The server's list; where it has none yet, the teams that flows and the call log name. */
async function teams(signal: AbortSignal): Promise<Team[]> {
  try {
    return await get<Team[]>("/api/teams", signal);
  } catch (fault) {
    if (!(fault instanceof Refusal) || fault.status !== 404) throw fault;
  }
  const [flows, calls] = await Promise.all([
    get<FlowSummary[]>("/api/flows", signal),
    get<CallPage>("/api/calls?limit=100", signal),
  ]);
  const bodies = await Promise.all(flows.map((f) => get<FlowDetail>(`/api/flows/${f.id}`, signal)));
  const named = new Map<string, string>();
  for (const { flow } of bodies)
    for (const node of whole(flow).nodes) {
      const { team, name } = node as NodeOf<"transfer">;
      if (node.kind === "transfer" && team) named.set(team, name || team);
    }
  for (const { team } of calls.items) if (team) named.set(team.id, team.name);
  return [...named].map(([id, name]) => ({ id, name }));
}
