/** One flow, as published (or its draft when nothing is). */
import { useQuery } from "@tanstack/react-query";
import { get } from "./request";
import type { Flow, FlowDetail } from "./words";

export function useFlow(id: string) {
  return useQuery({
    queryKey: ["flow", id],
    queryFn: ({ signal }) => get<FlowDetail>(`/api/flows/${encodeURIComponent(id)}`, signal),
    select: (detail) => ({ ...detail, flow: whole(detail.flow) }),
    staleTime: 15_000,
  });
}

/** A draft may lack parts; on the canvas a missing list is an empty one. */
function whole(flow: FlowDetail["flow"]): Flow {
  return { name: flow.name ?? "", entry: flow.entry ?? "", nodes: flow.nodes ?? [], exits: flow.exits ?? [] };
}
