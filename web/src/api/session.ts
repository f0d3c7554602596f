/** Who is signed in. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { get, isSignedOut, post } from "./request";
import type { Me } from "./words";

/** The person, null when signed out, undefined while asking. A lost packet never signs anyone out. */
export function useMe() {
  return useQuery({
    queryKey: ["me"],
    queryFn: ({ signal }) =>
      get<Me>("/api/me", signal).catch((fault) => (isSignedOut(fault) ? null : Promise.reject(fault))),
    staleTime: 60_000,
    retry: 2,
  });
}

/** Flows are drawn by admins; everybody else may look. */
export function canDraw(role: Me["role"]): boolean {
  return role === "admin";
}

export function useSignIn() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (who: { email: string; password: string }) => post<Me>("/api/login", who),
    onSuccess: (me) => cache.setQueryData(["me"], me),
  });
}

export function useSignOut() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => post<void>("/api/logout"),
    onSettled: () => {
      cache.clear();
      cache.setQueryData(["me"], null);
    },
  });
}
