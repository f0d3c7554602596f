/** Flows: as published, as drawn, their versions, and a try without a telephone. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type Flow, toSend, whole } from "../core/flow";
import { erase, get, post, put, Refusal } from "./request";
import type {
  Checked,
  FlowDetail,
  FlowDraft,
  FlowUses,
  Script,
  Simulation,
  VersionDetail,
  VersionSummary,
} from "./words";

/** As published, else the draft. */
export function useFlow(id: string) {
  return useQuery({
    queryKey: ["flow", id],
    queryFn: ({ signal }) => get<FlowDetail>(at(id), signal),
    select: (detail) => ({ ...detail, flow: whole(detail.flow) }),
    staleTime: 15_000,
  });
}

/** The draft as it was when the editor was opened; from then on the editor knows better. */
export function useDraft(id: string) {
  return useQuery({
    queryKey: ["draft", id],
    queryFn: ({ signal }) => get<FlowDraft>(`${at(id)}/draft`, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
}

/** Saves a draft made from `revision`. */
export function saveDraft(id: string, revision: number, flow: Flow): Promise<FlowDraft> {
  return put<FlowDraft>(`${at(id)}/draft`, { revision, flow: toSend(flow) });
}

/** The draft that stands in the way, when a save was refused for it. */
export function movedDraft(fault: unknown): FlowDraft | null {
  if (!(fault instanceof Refusal) || fault.code !== "moved") return null;
  const { body } = fault;
  return typeof body === "object" && body !== null && "draft" in body ? (body.draft as FlowDraft) : null;
}

/** Does a flow have notes for this server? Its own schema says so. */
export function useHasNotes(): boolean {
  const schema = useQuery({
    queryKey: ["flow-schema"],
    queryFn: ({ signal }) => get<{ properties?: object }>("/api/flows/flow.schema.json", signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return "notes" in (schema.data?.properties ?? {});
}

export function readDraft(id: string): Promise<FlowDraft> {
  return get<FlowDraft>(`${at(id)}/draft`);
}

export function lintFlow(id: string, flow: Flow): Promise<Checked> {
  return post<Checked>(`${at(id)}/lint`, { flow: toSend(flow) });
}

export function useUses(id: string, wanted: boolean) {
  return useQuery({
    queryKey: ["flow-uses", id],
    queryFn: ({ signal }) => get<FlowUses>(`${at(id)}/uses`, signal),
    enabled: wanted,
    staleTime: 0,
  });
}

export function useVersions(id: string, wanted: boolean) {
  return useQuery({
    queryKey: ["versions", id],
    queryFn: ({ signal }) => get<VersionSummary[]>(`${at(id)}/versions`, signal),
    enabled: wanted,
    staleTime: 5000,
  });
}

export function readVersion(id: string, version: number): Promise<Flow> {
  return get<VersionDetail>(`${at(id)}/versions/${version}`).then((detail) => whole(detail.flow));
}

export function usePublish(id: string) {
  const refresh = useRefresh(id);
  return useMutation({
    mutationFn: (what: { revision: number; note: string }) => post<VersionSummary>(`${at(id)}/publish`, what),
    onSuccess: refresh,
  });
}

export function useRollBack(id: string) {
  const refresh = useRefresh(id);
  return useMutation({
    mutationFn: (version: number) => post<VersionSummary>(`${at(id)}/versions/${version}/rollback`),
    onSuccess: refresh,
  });
}

export function simulate(id: string, flow: Flow, script: Script): Promise<Simulation> {
  return post<Simulation>(`${at(id)}/simulate`, { flow: toSend(flow), script });
}

/** A new flow, empty or with a first draft. */
export function useCreateFlow() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ name, flow }: { name: string; flow?: Flow }) =>
      post<FlowDraft>("/api/flows", flow ? { name, flow: toSend({ ...flow, name }) } : { name }),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["flows"] }),
  });
}

export function useDuplicateFlow() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => post<FlowDraft>(`${at(id)}/duplicate`),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["flows"] }),
  });
}

export function useDeleteFlow() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => erase(at(id)),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["flows"] }),
  });
}

export function useArchiveFlow() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ id, away }: { id: string; away: boolean }) =>
      post<void>(`${at(id)}/${away ? "archive" : "restore"}`),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["flows"] }),
  });
}

function useRefresh(id: string) {
  const cache = useQueryClient();
  return () => {
    for (const key of [["flows"], ["flow", id], ["versions", id]])
      void cache.invalidateQueries({ queryKey: key });
  };
}

function at(id: string): string {
  return `/api/flows/${encodeURIComponent(id)}`;
}
