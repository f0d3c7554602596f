/** The sounds a flow can play. */
import { useQuery } from "@tanstack/react-query";
import { get } from "./request";

export function useClips() {
  return useQuery({
    queryKey: ["clips"],
    queryFn: ({ signal }) => get<{ id: string; name: string; place: string }[]>("/api/clips", signal),
    staleTime: 60_000,
  });
}
