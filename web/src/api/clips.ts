/** The audio library: sounds of the organisation's own, and those everybody has. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { erase, get, patch, post, send } from "./request";
import type { Clip, FlowUses, Library } from "./words";

/** A sound a prompt can name. */
export interface KnownClip {
  /** As a prompt names it. */
  place: string;
  name: string;
  duration_ms: number;
  /** Where one can listen to it. */
  sound: string;
  /** The organisation's own: it can be renamed and removed. */
  own: Clip | null;
}

/** The own ones first, then the shared ones. */
export function useClips() {
  return useQuery({
    queryKey: ["clips"],
    queryFn: ({ signal }) => get<Library>("/api/audio", signal),
    select: known,
    staleTime: 60_000,
  });
}

export function useUploadClip() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: ({ name, file, music = false }: { name: string; file: Blob; music?: boolean }) =>
      send<Clip>(`/api/audio?${new URLSearchParams({ name, purpose: music ? "music" : "prompt" })}`, file),
    onSuccess: refresh,
  });
}

/** Words in the server's voice, as callers will hear them. Gives where to listen. */
export function useSpeak() {
  return useMutation({
    mutationFn: (text: string) =>
      post<Clip>("/api/audio/speech", { text }).then((clip) => soundAt(clip.clip)),
  });
}

export function useRenameClip() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: ({ id, name }: { id: string; name: string }) => patch<Clip>(`/api/audio/${id}`, { name }),
    onSuccess: refresh,
  });
}

export function useDeleteClip() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (id: string) => erase(`/api/audio/${id}`), onSuccess: refresh });
}

export function useClipUses(id: string, wanted: boolean) {
  return useQuery({
    queryKey: ["clip-uses", id],
    queryFn: ({ signal }) => get<FlowUses>(`/api/audio/${id}/uses`, signal),
    enabled: wanted,
    staleTime: 0,
  });
}

function known(library: Library): KnownClip[] {
  const own = library.clips.map((clip) => ({
    place: clip.clip,
    name: clip.name,
    duration_ms: clip.duration_ms,
    sound: soundAt(clip.clip),
    own: clip,
  }));
  const shared = library.shared.map(({ clip, duration_ms }) => ({
    place: clip,
    name: clip.replace(/\.ogg$/, ""),
    duration_ms,
    sound: soundAt(clip),
    own: null,
  }));
  return [...own, ...shared];
}

function soundAt(place: string): string {
  return `/api/audio/sound?${new URLSearchParams({ clip: place })}`;
}

function useRefresh() {
  const cache = useQueryClient();
  return () => cache.invalidateQueries({ queryKey: ["clips"] });
}
