/** What admins set: numbers, teams, people, and how the organisation takes calls. */
import { type QueryKey, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { erase, get, patch, post } from "./request";
import type {
  AccountDetail,
  AccountSummary,
  ChangeAccount,
  ChangeOrganisation,
  ChangePerson,
  ChangeTeam,
  NewAccount,
  NewPerson,
  NewTeam,
  OrganisationSettings,
  Person,
  Team,
} from "./words";

export function useTeams() {
  return useQuery({
    queryKey: TEAMS,
    queryFn: ({ signal }) => get<Team[]>("/api/teams", signal),
    staleTime: 60_000,
  });
}

export function useAddTeam() {
  return useChange((team: NewTeam) => post<Team>("/api/teams", team), TEAMS);
}

export function useChangeTeam(id: string) {
  return useChange((change: Partial<ChangeTeam>) => patch<Team>(`/api/teams/${id}`, change), TEAMS);
}

export function useDeleteTeam() {
  return useChange((id: string) => erase(`/api/teams/${id}`), TEAMS);
}

export function usePeople() {
  return useQuery({ queryKey: PEOPLE, queryFn: ({ signal }) => get<Person[]>("/api/users", signal) });
}

export function useAddPerson() {
  return useChange((person: NewPerson) => post<Person>("/api/users", person), PEOPLE);
}

export function useChangePerson(id: string) {
  return useChange((change: Partial<ChangePerson>) => patch<Person>(`/api/users/${id}`, change), PEOPLE);
}

export function useNumbers() {
  return useQuery({
    queryKey: NUMBERS,
    queryFn: ({ signal }) => get<AccountSummary[]>("/api/accounts", signal),
    staleTime: 15_000,
  });
}

export function useNumber(id: string, wanted: boolean) {
  return useQuery({
    queryKey: [...NUMBERS, id],
    queryFn: ({ signal }) => get<AccountDetail>(`/api/accounts/${id}`, signal),
    enabled: wanted,
  });
}

export function useAddNumber() {
  return useChange((number: NewAccount) => post<AccountDetail>("/api/accounts", number), NUMBERS);
}

export function useChangeNumber(id: string) {
  return useChange(
    (change: Partial<ChangeAccount>) => patch<AccountDetail>(`/api/accounts/${id}`, change),
    NUMBERS,
  );
}

export function useOrganisation() {
  return useQuery({
    queryKey: ORGANISATION,
    queryFn: ({ signal }) => get<OrganisationSettings>("/api/organisation", signal),
  });
}

export function useChangeOrganisation() {
  return useChange(
    (change: Partial<ChangeOrganisation>) => patch<OrganisationSettings>("/api/organisation", change),
    ORGANISATION,
  );
}

/** A change; what it may have changed is asked for again, flows included: their cards name numbers. */
function useChange<What, Answer>(deed: (what: What) => Promise<Answer>, key: QueryKey) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: deed,
    onSuccess: () => {
      for (const queryKey of [key, ["flows"], ["me"]]) void cache.invalidateQueries({ queryKey });
    },
  });
}

const TEAMS = ["teams"];
const PEOPLE = ["people"];
const NUMBERS = ["accounts"];
const ORGANISATION = ["organisation"];
