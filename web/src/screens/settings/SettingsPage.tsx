/** What admins set, one subject a page. */
import { Link, Redirect } from "wouter";
import { classes } from "../../ui/classes";
import { Icon, type IconName } from "../../ui/Icon";
import { Page } from "../../ui/Page";
import { Numbers } from "./Numbers";
import { OrganisationForm } from "./OrganisationForm";
import { People } from "./People";
import { Sounds } from "./Sounds";
import { Teams } from "./Teams";

export default function SettingsPage({ subject }: { subject: string }) {
  const here = SUBJECTS.find((s) => s.id === subject);
  if (!here) return <Redirect to="/settings/numbers" replace />;
  const Body = here.body;
  return (
    <Page title={here.title} about={here.about}>
      <nav aria-label="Settings" className="mb-5">
        <ul className="flex flex-wrap gap-1 rounded-xl bg-well p-1">
          {SUBJECTS.map((s) => (
            <li key={s.id} className="max-sm:flex-1">
              <Tab href={`/settings/${s.id}`} icon={s.icon} label={s.title} here={s === here} />
            </li>
          ))}
          <li className="max-sm:flex-1">
            <Tab href="/flows" icon="flows" label="IVR flows" here={false} />
          </li>
        </ul>
      </nav>
      <Body />
    </Page>
  );
}

function Tab({ href, icon, label, here }: { href: string; icon: IconName; label: string; here: boolean }) {
  return (
    <Link
      href={href}
      aria-current={here ? "page" : undefined}
      className={classes(
        "flex h-9 items-center justify-center gap-2 whitespace-nowrap rounded-lg px-3 font-medium text-[0.8125rem] transition-colors",
        here ? "bg-raised text-ink shadow-card" : "text-soft hover:text-ink",
      )}
    >
      <Icon name={icon} size={16} />
      {label}
    </Link>
  );
}

const SUBJECTS: readonly {
  id: string;
  title: string;
  about: string;
  icon: IconName;
  body: () => React.ReactNode;
}[] = [
  {
    id: "numbers",
    title: "Numbers",
    about: "WhatsApp numbers, and the flow their callers start in.",
    icon: "phone",
    body: Numbers,
  },
  {
    id: "calling",
    title: "Calling",
    about: "How this organisation takes calls.",
    icon: "speaker",
    body: OrganisationForm,
  },
  { id: "audio", title: "Audio", about: "What callers hear: prompts and music.", icon: "note", body: Sounds },
  { id: "teams", title: "Teams", about: "Who is rung, and in which order.", icon: "team", body: Teams },
  { id: "people", title: "People", about: "Who may sign in, and as what.", icon: "user", body: People },
];
