/** Who may sign in, and as what. */

import { useState } from "react";
import { useAddPerson, useChangePerson, usePeople } from "../../api/settings";
import type { Person, Role } from "../../api/words";
import { sentence } from "../../core/sentence";
import { Avatar } from "../../ui/Avatar";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { Select } from "../../ui/Select";
import { Loaded } from "./Loaded";

export function People() {
  const people = usePeople();
  const [adding, setAdding] = useState(false);
  return (
    <Loaded of={people} what="people">
      {(all) => (
        <Card
          title="People"
          aside={
            <Button size="sm" icon="plus" onClick={() => setAdding(true)}>
              Add a person
            </Button>
          }
        >
          <ul className="divide-y divide-line">
            {all.map((person) => (
              <Row key={person.id} person={person} />
            ))}
          </ul>
          <Dialog open={adding} onClose={() => setAdding(false)} title="Add a person">
            <AddForm onDone={() => setAdding(false)} />
          </Dialog>
        </Card>
      )}
    </Loaded>
  );
}

function Row({ person }: { person: Person }) {
  const change = useChangePerson(person.id);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 py-3">
      <Avatar name={person.name} />
      <span className="min-w-40 flex-1">
        <span className="block truncate font-medium text-sm">{person.name}</span>
        <span className="block truncate text-faint text-xs">{person.email}</span>
      </span>
      {person.disabled ? <Badge tone="stop">May not sign in</Badge> : null}
      <Select
        label={`Role of ${person.name}`}
        value={person.role}
        choices={ROLES}
        onChange={(role) => change.mutate({ role: role as Role })}
      />
      <Button size="sm" busy={change.isPending} onClick={() => change.mutate({ disabled: !person.disabled })}>
        {person.disabled ? "Let in again" : "Shut out"}
        <span className="sr-only"> {person.name}</span>
      </Button>
      {change.isError ? (
        <p role="alert" className="w-full text-stop-ink text-xs">
          {sentence(change.error.message)}
        </p>
      ) : null}
    </li>
  );
}

function AddForm({ onDone }: { onDone: () => void }) {
  const add = useAddPerson();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>("agent");
  const short = password !== "" && password.length < PASSWORD_MIN;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate({ name, email, password, role }, { onSuccess: onDone });
      }}
    >
      <Field
        label="Name"
        data-focus=""
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Field
        label="E-mail address"
        type="email"
        autoComplete="off"
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <Field
        label="First password"
        type="password"
        autoComplete="new-password"
        value={password}
        {...(short
          ? { error: `At least ${PASSWORD_MIN} characters.` }
          : { hint: `At least ${PASSWORD_MIN} characters.` })}
        onChange={(event) => setPassword(event.target.value)}
      />
      <div className="flex flex-col gap-1.5">
        <span aria-hidden="true" className="font-medium text-soft text-xs">
          Role
        </span>
        <Select wide label="Role" value={role} choices={ROLES} onChange={(next) => setRole(next as Role)} />
      </div>
      {add.isError ? <Notice tone="stop">{sentence(add.error.message)}</Notice> : null}
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>Cancel</Button>
        <Button
          type="submit"
          tone="brand"
          busy={add.isPending}
          disabled={!name || !email || password.length < PASSWORD_MIN}
        >
          Add
        </Button>
      </div>
    </form>
  );
}

const ROLES = [
  { value: "agent", label: "Agent" },
  { value: "supervisor", label: "Supervisor" },
  { value: "admin", label: "Admin" },
];
const PASSWORD_MIN = 12;
