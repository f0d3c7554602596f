/** The frame around every page: where one can go, who one is, and the phone. */
import type { ReactNode } from "react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { canDraw, useSignOut } from "../api/session";
import type { Me } from "../api/words";
import { PhoneDock } from "../screens/softphone/PhoneDock";
import { Avatar } from "../ui/Avatar";
import { classes } from "../ui/classes";
import { Guard } from "../ui/Guard";
import { Icon, type IconName, Mark } from "../ui/Icon";
import { Menu, MenuItem, MenuLabel, MenuLine } from "../ui/Menu";
import { chooseTheme, chosenTheme, type Theme } from "./theme";

export function Shell({ me, children }: { me: Me; children: ReactNode }) {
  const [path] = useLocation();
  // Where one draws, the drawing gets the room.
  const slim = canDraw(me.role) && /^\/flows\/./.test(path);
  return (
    <div data-slim={slim || undefined} className="group/shell flex min-h-dvh max-md:flex-col">
      <a
        href="#page"
        className="sr-only z-50 rounded-lg bg-brand px-4 py-2 text-on-brand focus:not-sr-only focus:fixed focus:top-3 focus:left-3"
      >
        Skip to the page
      </a>
      <nav
        aria-label="Main"
        className="flex shrink-0 border-line bg-page max-md:h-14 max-md:items-center max-md:border-b max-md:px-3 md:sticky md:top-0 md:h-dvh md:w-16 md:flex-col md:border-r md:px-2.5 md:py-4 min-[88rem]:not-group-data-slim/shell:w-55"
      >
        <Link
          href="/calls"
          aria-label="Patchbay"
          className="flex items-center gap-2.5 rounded-lg md:mb-5 md:self-center min-[88rem]:not-group-data-slim/shell:self-start min-[88rem]:not-group-data-slim/shell:px-1.5"
        >
          <Mark size={30} />
          <span className="font-semibold text-[1.0625rem] tracking-tight group-data-slim/shell:md:hidden max-[88rem]:hidden">
            Patchbay
          </span>
        </Link>
        <ul className="flex gap-1 max-md:ml-4 max-md:flex-1 md:flex-1 md:flex-col">
          {(canDraw(me.role) ? [...PLACES, ...FOR_ADMINS] : PLACES).map((place) => (
            <li key={place.href}>
              <Place {...place} />
            </li>
          ))}
        </ul>
        <UserMenu me={me} />
      </nav>
      <main id="page" tabIndex={-1} className="min-w-0 flex-1 outline-none max-lg:pb-20">
        <Guard of={path}>{children}</Guard>
      </main>
      <PhoneDock slim={slim} />
    </div>
  );
}

function Place({ href, label, icon }: { href: string; label: string; icon: IconName }) {
  const [path] = useLocation();
  const here = path === href || path.startsWith(`${href}/`);
  return (
    <Link
      href={href}
      aria-current={here ? "page" : undefined}
      className={classes(
        "flex h-10 items-center gap-2.5 rounded-lg px-3 font-medium text-sm transition-colors md:justify-center min-[88rem]:not-group-data-slim/shell:justify-start",
        here ? "bg-brand-wash text-brand-strong" : "text-soft hover:bg-hover hover:text-ink",
      )}
    >
      <Icon name={icon} />
      <span
        className={classes(
          "md:max-[88rem]:sr-only group-data-slim/shell:md:sr-only",
          !here && "max-[26rem]:sr-only",
        )}
      >
        {label}
      </span>
    </Link>
  );
}

function UserMenu({ me }: { me: Me }) {
  const [theme, setTheme] = useState(chosenTheme);
  const signOut = useSignOut();
  const choose = (to: Theme) => {
    chooseTheme(to);
    setTheme(to);
  };
  return (
    <Menu
      side="top"
      trigger={
        <button
          type="button"
          className="flex items-center gap-2.5 rounded-lg p-1.5 text-left transition-colors hover:bg-hover md:self-center min-[88rem]:not-group-data-slim/shell:w-full"
        >
          <Avatar name={me.name} size="sm" />
          <span className="min-w-0 flex-1 group-data-slim/shell:sr-only max-[88rem]:sr-only">
            <span className="block truncate font-medium text-sm leading-4">{me.name}</span>
            <span className="block truncate text-faint text-xs">{me.organisation.name}</span>
            <span className="sr-only">Account and appearance</span>
          </span>
        </button>
      }
    >
      <MenuLabel>
        <span className="block text-ink text-sm">{me.name}</span>
        {me.email}
      </MenuLabel>
      <MenuLine />
      <MenuLabel>Appearance</MenuLabel>
      {THEMES.map(({ value, label, icon }) => (
        <MenuItem key={value} icon={icon} chosen={theme === value} onSelect={() => choose(value)}>
          {label}
        </MenuItem>
      ))}
      <MenuLine />
      <MenuItem icon="sign-out" onSelect={() => signOut.mutate()}>
        Sign out
      </MenuItem>
    </Menu>
  );
}

const PLACES: readonly { href: string; label: string; icon: IconName }[] = [
  { href: "/calls", label: "Calls", icon: "calls" },
  { href: "/flows", label: "Flows", icon: "flows" },
];
const FOR_ADMINS: typeof PLACES = [{ href: "/settings", label: "Settings", icon: "settings" }];

const THEMES: readonly { value: Theme; label: string; icon: IconName }[] = [
  { value: "system", label: "As the system", icon: "screen" },
  { value: "light", label: "Light", icon: "sun" },
  { value: "dark", label: "Dark", icon: "moon" },
];
