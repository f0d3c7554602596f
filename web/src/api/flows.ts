/** One flow, as published (or its draft when nothing is). */
import { useQuery } from "@tanstack/react-query";
import { get } from "./request";
import type { FlowDetail } from "./words";

export function useFlow(id: string) {
  return useQuery({
    queryKey: ["flow", id],
    queryFn: ({ signal }) => get<FlowDetail>(`/api/flows/${encodeURIComponent(id)}`, signal),
    staleTime: 15_000,
  });
}
