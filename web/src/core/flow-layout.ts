/** Where the nodes of a flow stand when nobody has placed them: rows by distance from the entry, no two on one spot. */

export interface Placed {
  id: string;
  at?: { x: number; y: number } | undefined;
}

export interface Drawn {
  entry: string;
  nodes: readonly Placed[];
  exits: readonly { from: string; on: string; to: string }[];
}

/** Kept positions if they tell the nodes apart, else a layout of our own. `heights` are the nodes' in pixels. */
export function positions(
  flow: Drawn,
  size: { width: number; heights: ReadonlyMap<string, number> },
): Map<string, { x: number; y: number }> {
  const kept = flow.nodes.map((n) => (n.at ? `${n.at.x},${n.at.y}` : ""));
  const apart = new Set(kept).size === kept.length && !kept.includes("");
  if (apart && !overlaps(flow, size)) return new Map(flow.nodes.map((n) => [n.id, n.at ?? { x: 0, y: 0 }]));
  return layout(flow, size);
}

/** Rows from the entry down, each centred; what cannot be reached stands in the last row. */
export function layout(
  flow: Drawn,
  size: { width: number; heights: ReadonlyMap<string, number> },
): Map<string, { x: number; y: number }> {
  const rows = rowsOf(flow);
  const placed = new Map<string, { x: number; y: number }>();
  let y = 0;
  for (const row of rows) {
    const step = size.width + GAP_X;
    row.forEach((id, at) => {
      placed.set(id, { x: Math.round((at - (row.length - 1) / 2) * step), y });
    });
    y += Math.max(...row.map((id) => size.heights.get(id) ?? 0)) + GAP_Y;
  }
  return placed;
}

function rowsOf(flow: Drawn): string[][] {
  const depth = new Map<string, number>([[flow.entry, 0]]);
  const queue = [flow.entry];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    for (const exit of flow.exits) {
      if (exit.from !== id || depth.has(exit.to)) continue;
      depth.set(exit.to, (depth.get(id) ?? 0) + 1);
      queue.push(exit.to);
    }
  }
  const known = new Set(flow.nodes.map((n) => n.id));
  const last = Math.max(0, ...depth.values()) + 1;
  const rows: string[][] = [];
  // `depth` is in the order of discovery, so siblings keep the order of their digits.
  for (const [id, row] of depth) if (known.has(id)) rows[row] = [...(rows[row] ?? []), id];
  for (const { id } of flow.nodes) if (!depth.has(id)) rows[last] = [...(rows[last] ?? []), id];
  return rows.filter(Boolean);
}

function overlaps(flow: Drawn, size: { width: number; heights: ReadonlyMap<string, number> }): boolean {
  return flow.nodes.some((a, i) =>
    flow.nodes.slice(i + 1).some((b) => {
      if (!a.at || !b.at) return true;
      const [upper, lower] = a.at.y <= b.at.y ? [a, b] : [b, a];
      const apartY = (lower.at?.y ?? 0) - (upper.at?.y ?? 0) >= (size.heights.get(upper.id) ?? 0) + 8;
      return Math.abs(a.at.x - b.at.x) < size.width + 8 && !apartY;
    }),
  );
}

const GAP_X = 48;
const GAP_Y = 84;
