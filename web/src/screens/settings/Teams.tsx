/** Teams: a name, who is in it, and who is rung first. */

import { useState } from "react";
import { useAddTeam, useChangeTeam, useDeleteTeam, usePeople, useTeams } from "../../api/settings";
import type { Strategy, Team } from "../../api/words";
import { sentence } from "../../core/sentence";
import { Avatar } from "../../ui/Avatar";
import { Button, IconButton } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Field } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { Select } from "../../ui/Select";
import { Loaded } from "./Loaded";

export function Teams() {
  const teams = useTeams();
  return (
    <Loaded of={teams} what="teams">
      {(all) => (
        <div className="flex flex-col gap-4">
          {all.map((team) => (
            <TeamCard key={team.id} team={team} />
          ))}
          <AddTeam />
        </div>
      )}
    </Loaded>
  );
}

function TeamCard({ team }: { team: Team }) {
  const change = useChangeTeam(team.id);
  const remove = useDeleteTeam();
  const people = usePeople().data ?? [];
  const fault = change.error ?? remove.error;
  return (
    <Card
      title={team.name}
      aside={
        <IconButton
          icon="trash"
          label={`Remove ${team.name}`}
          size="sm"
          busy={remove.isPending}
          onClick={() => remove.mutate(team.id)}
        />
      }
    >
      <div className="grid gap-5 sm:grid-cols-[14rem_1fr]">
        <div className="flex flex-col gap-1.5">
          <span aria-hidden="true" className="font-medium text-soft text-xs">
            Who is rung
          </span>
          <Select
            wide
            label={`Who of ${team.name} is rung`}
            value={team.strategy}
            choices={STRATEGIES}
            onChange={(strategy) => change.mutate({ strategy: strategy as Strategy })}
          />
          <span className="text-faint text-xs">{HINTS[team.strategy]}</span>
        </div>
        <fieldset className="min-w-0">
          <legend className="mb-1.5 font-medium text-soft text-xs">Members</legend>
          <div className="flex flex-wrap gap-2">
            {people
              .filter((p) => !p.disabled || team.members.includes(p.id))
              .map((person) => (
                <label
                  key={person.id}
                  className="flex h-9 cursor-pointer items-center gap-2 rounded-full border border-line bg-raised pr-3.5 pl-1 text-[0.8125rem] transition-colors hover:bg-hover has-checked:border-brand has-checked:bg-brand-wash has-focus-visible:outline-2 has-focus-visible:outline-brand"
                >
                  <input
                    type="checkbox"
                    className="sr-only"
                    checked={team.members.includes(person.id)}
                    onChange={(event) =>
                      change.mutate({
                        members: event.target.checked
                          ? [...team.members, person.id]
                          : team.members.filter((id) => id !== person.id),
                      })
                    }
                  />
                  <Avatar name={person.name} size="sm" />
                  {person.name}
                </label>
              ))}
          </div>
        </fieldset>
      </div>
      {fault ? (
        <div className="mt-4">
          <Notice tone="stop">{sentence(fault.message)}</Notice>
        </div>
      ) : null}
    </Card>
  );
}

function AddTeam() {
  const add = useAddTeam();
  const [name, setName] = useState("");
  return (
    <Card title="A new team">
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate({ name: name.trim() }, { onSuccess: () => setName("") });
        }}
      >
        <div className="w-64 max-sm:flex-1">
          <Field
            small
            label="Name"
            placeholder="Billing"
            value={name}
            maxLength={100}
            onChange={(event) => setName(event.target.value)}
          />
        </div>
        <Button type="submit" size="sm" icon="plus" busy={add.isPending} disabled={name.trim() === ""}>
          Add the team
        </Button>
        {add.isError ? (
          <p role="alert" className="w-full text-stop-ink text-xs">
            {sentence(add.error.message)}
          </p>
        ) : null}
      </form>
    </Card>
  );
}

const STRATEGIES = [
  { value: "all", label: "Everyone at once" },
  { value: "longest_idle", label: "Longest idle first" },
  { value: "round_robin", label: "One after the other" },
];
const HINTS: Record<Strategy, string> = {
  all: "The first to answer has the call.",
  longest_idle: "Who has had no call for the longest.",
  round_robin: "In turn, whoever answered last goes to the end.",
};
