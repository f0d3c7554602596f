/** Where the nodes of a flow stand when nobody has placed them: columns by distance from the entry, no two on one spot. */

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

/** Columns from the entry to the right, each centred; what cannot be reached stands in the last one. */
export function layout(
  flow: Drawn,
  size: { width: number; heights: ReadonlyMap<string, number> },
): Map<string, { x: number; y: number }> {
  const placed = new Map<string, { x: number; y: number }>();
  const tall = (id: string) => size.heights.get(id) ?? 0;
  columnsOf(flow).forEach((column, at) => {
    let y = -(column.reduce((sum, id) => sum + tall(id) + GAP_Y, 0) - GAP_Y) / 2;
    for (const id of column) {
      placed.set(id, { x: at * (size.width + GAP_X), y: Math.round(y) });
      y += tall(id) + GAP_Y;
    }
  });
  return placed;
}

function columnsOf(flow: Drawn): string[][] {
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
  const columns: string[][] = [];
  // `depth` is in the order of discovery, so siblings keep the order of their digits.
  for (const [id, at] of depth) if (known.has(id)) columns[at] = [...(columns[at] ?? []), id];
  for (const { id } of flow.nodes) if (!depth.has(id)) columns[last] = [...(columns[last] ?? []), id];
  return columns.filter(Boolean);
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

const GAP_X = 88;
const GAP_Y = 28;
