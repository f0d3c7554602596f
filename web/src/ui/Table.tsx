/** Rows and columns on a wide window; on a small one the page shows cards instead. */
import type { ReactNode } from "react";
import { classes } from "./classes";

export interface Column<R> {
  name: string;
  /** Numbers stand at the right. */
  right?: boolean;
  /** Hidden until the table itself has room: 1 goes last, 4 goes first. */
  spare?: 1 | 2 | 3 | 4;
  /** Takes the room the others leave, and is cut when there is too little. */
  wide?: boolean;
  cell: (row: R) => ReactNode;
}

/** `label` names the table; each row needs a key and may link somewhere through its cells. */
export function Table<R>({
  label,
  columns,
  rows,
  keyOf,
}: {
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  keyOf: (row: R) => string;
}) {
  return (
    <table aria-label={label} className="w-full border-collapse text-[0.8125rem]">
      <thead>
        <tr>
          {columns.map((c) => (
            <th
              key={c.name}
              scope="col"
              className={classes(
                "whitespace-nowrap border-line border-b px-2.5 py-2.5 font-medium text-faint text-xs first:pl-5 last:pr-5",
                c.right ? "text-right" : "text-left",
                c.spare && SPARE[c.spare],
              )}
            >
              {c.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr
            key={keyOf(row)}
            className="group relative border-line border-b transition-colors last:border-b-0 hover:bg-hover/60"
          >
            {columns.map((c) => (
              <td
                key={c.name}
                className={classes(
                  "h-14 whitespace-nowrap px-2.5 align-middle first:pl-5 last:pr-5",
                  c.right && "text-right tabular-nums",
                  c.wide && "w-full max-w-0",
                  c.spare && SPARE[c.spare],
                )}
              >
                {c.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const SPARE = {
  1: "hidden @2xl:table-cell",
  2: "hidden @3xl:table-cell",
  3: "hidden @min-[54rem]:table-cell",
  4: "hidden @5xl:table-cell",
};
