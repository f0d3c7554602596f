/** Patchbay's own icons: 20 × 20, one stroke of 1.6, drawn for this app. */
import type { ReactNode, SVGProps } from "react";

export type IconName = keyof typeof DRAWINGS;

/** Decoration by default; give `title` when the icon alone carries the meaning. */
export function Icon({
  name,
  size = 20,
  title,
  ...rest
}: { name: IconName; size?: number; title?: string } & Omit<SVGProps<SVGSVGElement>, "name">) {
  const face = (
    <>
      {title ? <title>{title}</title> : null}
      {DRAWINGS[name]}
    </>
  );
  const shape = {
    width: size,
    height: size,
    viewBox: "0 0 20 20",
    fill: "none",
    stroke: "currentColor",
    strokeWidth: 1.6,
    strokeLinecap: "round" as const,
    strokeLinejoin: "round" as const,
    ...rest,
  };
  return title ? (
    <svg role="img" aria-label={title} {...shape}>
      {face}
    </svg>
  ) : (
    <svg aria-hidden="true" {...shape}>
      {face}
    </svg>
  );
}

/** The app's mark: two jacks and the cord between them. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32">
      <rect width="32" height="32" rx="9" fill="oklch(0.43 0.085 230)" />
      <path
        d="M10 11v3c0 7 12 1 12 8"
        fill="none"
        stroke="oklch(0.84 0.07 210)"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <circle cx="10" cy="10" r="3.6" fill="white" />
      <circle cx="22" cy="22" r="3.6" fill="white" />
    </svg>
  );
}

const HANDSET =
  "M5.1 2.9 7 2.5c.5-.1.9.2 1.1.6l1 2.4c.1.4 0 .8-.3 1.1L7.6 7.7a10.6 10.6 0 0 0 4.7 4.7l1.1-1.2c.3-.3.7-.4 1.1-.3l2.4 1c.4.2.7.6.6 1.1l-.4 1.9c-.2 1.2-1.2 2-2.4 1.9C8.600 16.400 3.600 11.400 3.200 5.300 3.100 4.100 3.900 3.100 5.100 2.900Z";

const DRAWINGS = {
  phone: <path d={HANDSET} />,
  "phone-in": (
    <>
      <path d={HANDSET} />
      <path d="M16.500 3.500 12.500 7.500M12.500 4.200v3.300h3.300" />
    </>
  ),
  "phone-end": (
    <path
      d="M2.600 12.300c-.6-.9-.5-2 .3-2.800C6.800 5.900 13.200 5.900 17.100 9.500c.8.8.900 1.900.3 2.800l-.8 1.200c-.3.4-.800.6-1.300.4l-2.300-.8a1 1 0 0 1-.7-1V10.500a10.300 10.300 0 0 0-4.600 0v1.600a1 1 0 0 1-.7 1l-2.300.8c-.5.2-1 0-1.300-.4z"
      fill="currentColor"
    />
  ),
  calls: (
    <>
      <path d="M3 5.500h9M3 10h9M3 14.500h6" />
      <path d="M15.500 5v6.500M13.300 9.500l2.200 2.200 2.200-2.200" />
    </>
  ),
  flows: (
    <>
      <rect x="7.500" y="2.500" width="5" height="4" rx="1.2" />
      <rect x="2.500" y="13.500" width="5" height="4" rx="1.2" />
      <rect x="12.500" y="13.500" width="5" height="4" rx="1.2" />
      <path d="M10 6.500v3.500M5 13.500v-2A1.500 1.500 0 0 1 6.500 10h7a1.500 1.500 0 0 1 1.500 1.500v2" />
    </>
  ),
  mic: (
    <>
      <rect x="7.300" y="2.300" width="5.400" height="9.400" rx="2.700" />
      <path d="M4.300 9.500a5.700 5.700 0 0 0 11.400 0M10 15.200v2.500" />
    </>
  ),
  "mic-off": (
    <>
      <path d="M12.700 8.500V5a2.700 2.700 0 0 0-5.300-.7M7.300 7.300V9a2.700 2.700 0 0 0 4.300 2.200M4.300 9.500a5.700 5.700 0 0 0 9.200 4.500M15.700 9.500c0 .7-.1 1.400-.4 2M10 15.200v2.500M3 3l14 14" />
    </>
  ),
  pause: (
    <>
      <rect x="5.500" y="4" width="3" height="12" rx="1" fill="currentColor" stroke="none" />
      <rect x="11.500" y="4" width="3" height="12" rx="1" fill="currentColor" stroke="none" />
    </>
  ),
  play: (
    <path
      d="M6.500 4.200v11.600c0 .6.700 1 1.200.6l8.600-5.700a.8.8 0 0 0 0-1.400L7.700 3.600c-.5-.4-1.200 0-1.200.6Z"
      fill="currentColor"
      stroke="none"
    />
  ),
  keypad: (
    <g fill="currentColor" stroke="none">
      {[4.5, 10, 15.5].flatMap((y) =>
        [4.5, 10, 15.5].map((x) => <circle key={`${x}${y}`} cx={x} cy={y} r="1.500" />),
      )}
    </g>
  ),
  chevron: <path d="m5.500 8 4.500 4.500L14.500 8" />,
  "chevron-right": <path d="m8 5.500 4.500 4.500L8 14.500" />,
  back: <path d="M16 10H4.500M9 5l-5 5 5 5" />,
  close: <path d="m5 5 10 10M15 5 5 15" />,
  check: <path d="m4.500 10.500 3.700 3.700 7.300-8" />,
  search: (
    <>
      <circle cx="9" cy="9" r="5.500" />
      <path d="m13.200 13.200 3.800 3.800" />
    </>
  ),
  filter: <path d="M3 5h14M5.500 10h9M8 15h4" />,
  sun: (
    <>
      <circle cx="10" cy="10" r="3.400" />
      <path d="M10 2.300v1.500M10 16.200v1.500M2.300 10h1.500M16.200 10h1.500M4.600 4.600l1 1M14.400 14.400l1 1M4.600 15.400l1-1M14.400 5.600l1-1" />
    </>
  ),
  moon: <path d="M16.800 11.800A7 7 0 0 1 8.200 3.200a7 7 0 1 0 8.600 8.600Z" />,
  screen: (
    <>
      <rect x="2.500" y="3.500" width="15" height="10" rx="1.500" />
      <path d="M7 17h6M10 13.500V17" />
    </>
  ),
  "sign-out": (
    <path d="M8 3.500H5A1.500 1.500 0 0 0 3.500 5v10A1.500 1.500 0 0 0 5 16.500h3M12.500 6.500 16 10l-3.500 3.500M16 10H8" />
  ),
  incoming: <path d="M15 5 5.500 14.500M5.500 7.500v7h7" />,
  outgoing: <path d="M5 15l9.500-9.500M7.500 5.500h7v7" />,
  warning: (
    <>
      <path d="M8.700 3.600 2.400 14.500A1.500 1.500 0 0 0 3.700 16.800h12.600a1.500 1.500 0 0 0 1.300-2.300L11.300 3.600a1.500 1.500 0 0 0-2.600 0Z" />
      <path d="M10 8v3.500M10 14v.1" />
    </>
  ),
  info: (
    <>
      <circle cx="10" cy="10" r="7.500" />
      <path d="M10 9.200v4.300M10 6.500v.1" />
    </>
  ),
  bell: (
    <path d="M15.500 13.500H4.500c1-1.200 1.500-2.300 1.500-5a4 4 0 0 1 8 0c0 2.700.500 3.800 1.500 5ZM8.300 16.500a2 2 0 0 0 3.400 0" />
  ),
  clock: (
    <>
      <circle cx="10" cy="10" r="7.500" />
      <path d="M10 5.800V10l2.800 1.800" />
    </>
  ),
  download: <path d="M10 3v9.500M6 9l4 4 4-4M3.500 16.500h13" />,
  record: (
    <>
      <circle cx="10" cy="10" r="7" />
      <circle cx="10" cy="10" r="3" fill="currentColor" stroke="none" />
    </>
  ),
  user: (
    <>
      <circle cx="10" cy="6.800" r="3.300" />
      <path d="M3.500 17c.5-3.500 3.200-5.200 6.500-5.200s6 1.700 6.500 5.200" />
    </>
  ),
  team: (
    <>
      <circle cx="7.500" cy="7" r="2.900" />
      <path d="M1.800 16.500c.4-3.200 2.700-4.800 5.700-4.800s5.300 1.600 5.700 4.800M13 4.300a2.900 2.900 0 0 1 0 5.400M15.500 12.300c1.600.7 2.600 2.100 2.800 4.200" />
    </>
  ),
  speech: (
    <>
      <path d="M3 5.500A1.500 1.500 0 0 1 4.500 4h11A1.500 1.500 0 0 1 17 5.500v7a1.500 1.500 0 0 1-1.500 1.500H9l-3.500 3v-3h-1A1.500 1.500 0 0 1 3 12.500Z" />
      <path d="M6.500 7.500h7M6.500 10.500h4.500" />
    </>
  ),
  globe: (
    <>
      <circle cx="10" cy="10" r="7.500" />
      <path d="M2.500 10h15M10 2.500c2.200 2.300 3.200 4.800 3.200 7.500s-1 5.200-3.200 7.500C7.800 15.200 6.800 12.700 6.800 10s1-5.200 3.200-7.500Z" />
    </>
  ),
  jump: <path d="M3.500 14.500V11A4.500 4.500 0 0 1 8 6.500h8M12.500 3l3.700 3.500-3.700 3.500" />,
  note: (
    <path d="M8 15.500V4.500l8-1.500v11M8 15.500a2.200 2.200 0 1 1-4.400 0 2.200 2.200 0 0 1 4.400 0ZM16 14a2.200 2.200 0 1 1-4.400 0 2.200 2.200 0 0 1 4.400 0Z" />
  ),
  help: (
    <>
      <circle cx="10" cy="10" r="7.500" />
      <path d="M7.900 7.800a2.200 2.200 0 1 1 3.200 2c-.7.400-1.100.8-1.100 1.600M10 14v.1" />
    </>
  ),
  refresh: <path d="M16.500 10a6.500 6.500 0 1 1-1.900-4.600M16.500 3v3.500H13" />,
  speaker: (
    <path d="M3 7.800v4.400h2.800l4 3.300v-11l-4 3.300ZM13 7.500a3.500 3.500 0 0 1 0 5M15.300 5.200a6.800 6.800 0 0 1 0 9.600" />
  ),
  wifi: (
    <path d="M2.500 7.800a11 11 0 0 1 15 0M5.300 10.900a7 7 0 0 1 9.400 0M8 13.900a3 3 0 0 1 4 0M10 16.500v.1" />
  ),
  settings: (
    <>
      <path d="M3 6h7M14 6h3M3 14h3M10 14h7" />
      <circle cx="12" cy="6" r="2" />
      <circle cx="8" cy="14" r="2" />
    </>
  ),
  plus: <path d="M10 4.500v11M4.500 10h11" />,
  minus: <path d="M4.500 10h11" />,
  fit: (
    <path d="M3.500 7V5A1.500 1.500 0 0 1 5 3.500h2M13 3.500h2A1.500 1.500 0 0 1 16.500 5v2M16.500 13v2a1.500 1.500 0 0 1-1.500 1.500h-2M7 16.500H5A1.500 1.500 0 0 1 3.500 15v-2" />
  ),
  tidy: (
    <>
      <rect x="2.500" y="8" width="4.500" height="4" rx="1.200" />
      <rect x="13" y="3" width="4.500" height="4" rx="1.200" />
      <rect x="13" y="13" width="4.500" height="4" rx="1.200" />
      <path d="M7 10h2.500M13 5h-2A1.500 1.500 0 0 0 9.500 6.500v7A1.500 1.500 0 0 0 11 15h2" />
    </>
  ),
  sticky: (
    <>
      <path d="M4.500 3.500h11A1 1 0 0 1 16.500 4.500v7.500l-4.500 4.500H4.500a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1Z" />
      <path d="M16.500 12H13a1 1 0 0 0-1 1v3.500" />
    </>
  ),
  undo: <path d="M7 4 3.500 7.500 7 11M3.500 7.500H12a4.500 4.500 0 0 1 0 9H8" />,
  redo: <path d="M13 4l3.500 3.500L13 11M16.500 7.500H8a4.500 4.500 0 0 0 0 9h4" />,
  outline: <path d="M3.500 5h2M8.500 5h8M6 10h2M11 10h5.500M6 15h2M11 15h5.500" />,
  more: (
    <g fill="currentColor" stroke="none">
      <circle cx="4.500" cy="10" r="1.500" />
      <circle cx="10" cy="10" r="1.500" />
      <circle cx="15.500" cy="10" r="1.500" />
    </g>
  ),
  trash: (
    <path d="M3.500 5.500h13M8 5.500V4a1 1 0 0 1 1-1h2a1 1 0 0 1 1 1v1.500M5.500 5.500l.7 10a1.500 1.500 0 0 0 1.500 1.400h4.600a1.500 1.500 0 0 0 1.500-1.400l.7-10M8.500 9v4.500M11.500 9v4.500" />
  ),
  copy: (
    <>
      <rect x="7" y="7" width="9.500" height="9.500" rx="1.500" />
      <path d="M13 7V5a1.500 1.500 0 0 0-1.500-1.500H5A1.500 1.500 0 0 0 3.500 5v6.500A1.500 1.500 0 0 0 5 13h2" />
    </>
  ),
  upload: <path d="M10 12.500V3M6 6.500l4-4 4 4M3.500 16.500h13" />,
  history: (
    <>
      <path d="M3.500 3.500V7H7M3.800 7a7 7 0 1 1-.8 3" />
      <path d="M10 6v4l2.800 1.800" />
    </>
  ),
  flag: <path d="M5 17V3.500M5 4h9.500l-2 3.500 2 3.500H5" />,
  archive: (
    <>
      <rect x="2.500" y="3.500" width="15" height="4" rx="1" />
      <path d="M4 7.500V15a1.500 1.500 0 0 0 1.500 1.500h9A1.500 1.500 0 0 0 16 15V7.500M8 11h4" />
    </>
  ),
  key: (
    <path d="M12.800 12a4.800 4.800 0 1 0-4.600-3.600L3 13.600V17h3.400v-2h2v-2h1.200l.800-.8a4.800 4.800 0 0 0 2.400-.2ZM13.500 6.500v.1" />
  ),
} satisfies Record<string, ReactNode>;
