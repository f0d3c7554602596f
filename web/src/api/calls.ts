/** The call log. */
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { apiQuery, type CallFilter } from "../core/call-filter";
import { isFinal } from "../core/call-words";
import { get, post } from "./request";
import type { AccountSummary, AgentSummary, CallDetail, CallPage, FlowSummary, RecordingLink } from "./words";

/** Pages of calls, newest first. The first pages are kept fresh; a long scroll is left alone. */
export function useCalls(filter: CallFilter) {
  return useInfiniteQuery({
    queryKey: ["calls", filter],
    queryFn: ({ pageParam, signal }) =>
      get<CallPage>(`/api/calls?${apiQuery(filter, pageParam, PAGE_CALLS)}`, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: (before) => before,
    refetchInterval: (query) =>
      (query.state.data?.pages.length ?? 0) <= FRESH_PAGES_MAX ? REFRESH_MS : false,
  });
}

/** One call with its timeline; refreshed while it lasts. */
export function useCall(id: string) {
  return useQuery({
    queryKey: ["call", id],
    queryFn: ({ signal }) => get<CallDetail>(`/api/calls/${encodeURIComponent(id)}`, signal),
    refetchInterval: (query) => {
      const call = query.state.data;
      if (!call) return false;
      return isFinal(call.status) && call.recording?.state !== "recording" ? false : 2000;
    },
  });
}

/** A link to the recording, good for minutes. */
export function useRecordingLink(call: string) {
  return useMutation({
    mutationFn: () => post<RecordingLink>(`/api/calls/${encodeURIComponent(call)}/recording-link`),
  });
}

/** Ends a call by force. */
export function useHangUp(call: string) {
  return useMutation({ mutationFn: () => post<void>(`/api/calls/${encodeURIComponent(call)}/hang-up`) });
}

export function useAccounts() {
  return useQuery({
    queryKey: ["accounts"],
    queryFn: ({ signal }) => get<AccountSummary[]>("/api/accounts", signal),
    staleTime: 60_000,
  });
}

export function useAgents() {
  return useQuery({
    queryKey: ["agents"],
    queryFn: ({ signal }) => get<AgentSummary[]>("/api/agents", signal),
    staleTime: 15_000,
  });
}

export function useFlows() {
  return useQuery({
    queryKey: ["flows"],
    queryFn: ({ signal }) => get<FlowSummary[]>("/api/flows", signal),
    staleTime: 15_000,
  });
}

const PAGE_CALLS = 40;
const FRESH_PAGES_MAX = 2;
const REFRESH_MS = 4000;
