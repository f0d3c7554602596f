/** Where the nodes of a flow stand: columns by distance from the entry, each as near as can be to what leads to it. The same flow always gives the same drawing. */
import { HANDLE_HEIGHT, handleY, heightOf, NODE_WIDTH, PIN_Y } from "./flow-size";
import { handlesOf } from "./flow-words";

export interface Spot {
  x: number;
  y: number;
}

export interface Drawn {
  entry: string;
  nodes: readonly ({ id: string; kind: string; at?: Spot | undefined } & object)[];
  exits: readonly { from: string; on: string; to: string }[];
}

type Placed = Drawn["nodes"][number];

/** Kept positions if no node covers another, else a layout of our own. */
export function positions(flow: Drawn): Map<string, Spot> {
  return flow.nodes.every((n) => n.at) && !overlaps(flow)
    ? new Map(flow.nodes.map((n) => [n.id, n.at ?? { x: 0, y: 0 }]))
    : layout(flow);
}

/** Columns from the entry to the right; what nobody reaches stands below, in rows. */
export function layout(flow: Drawn): Map<string, Spot> {
  const byId = new Map(flow.nodes.map((n) => [n.id, n]));
  const { columns, rest } = columnsOf(flow, byId);
  const placed = new Map<string, Spot>();
  columns.forEach((column, n) => {
    const x = n * (NODE_WIDTH + GAP_X);
    const wishes = column.map((node) => ({ node, top: wishOf(flow, node, byId, placed) }));
    // Array sort is stable: equal wishes keep the order of the keys that lead there.
    wishes.sort((a, b) => a.top - b.top);
    for (const { node, top } of spread(wishes)) placed.set(node.id, { x, y: Math.round(top) });
  });
  const floor = Math.max(0, ...columns.flat().map((n) => (placed.get(n.id)?.y ?? 0) + heightOf(n)));
  const across = Math.max(REST_ACROSS, columns.length);
  let below = floor + GAP_Y * 3;
  for (let n = 0; n < rest.length; n += across) {
    const row = rest.slice(n, n + across);
    row.forEach((node, at) => {
      placed.set(node.id, { x: at * (NODE_WIDTH + GAP_X), y: below });
    });
    below += Math.max(...row.map(heightOf)) + GAP_Y;
  }
  const top = Math.min(0, ...[...placed.values()].map((s) => s.y));
  for (const [id, spot] of placed) placed.set(id, { x: spot.x, y: spot.y - top });
  return placed;
}

function columnsOf(flow: Drawn, byId: ReadonlyMap<string, Placed>): { columns: Placed[][]; rest: Placed[] } {
  const to = new Map(flow.exits.map((e) => [`${e.from} ${e.on}`, e.to]));
  const depth = new Map<string, number>();
  const queue: string[] = [];
  const reach = (id: string, at: number) => {
    if (!byId.has(id) || depth.has(id)) return;
    depth.set(id, at);
    queue.push(id);
  };
  reach(flow.entry, 0);
  for (let n = 0; n < queue.length; n += 1) {
    const id = queue[n] ?? "";
    const node = byId.get(id);
    if (!node) continue;
    for (const { on } of handlesOf(node)) reach(to.get(`${id} ${on}`) ?? "", (depth.get(id) ?? 0) + 1);
  }
  const columns: Placed[][] = [];
  for (const [id, at] of depth) {
    const node = byId.get(id);
    if (node) columns[at] = [...(columns[at] ?? []), node];
  }
  return { columns, rest: flow.nodes.filter((n) => !depth.has(n.id)) };
}

/** Where a node would like its top: level with the handles that lead to it from the left. */
function wishOf(
  flow: Drawn,
  node: Placed,
  byId: ReadonlyMap<string, Placed>,
  placed: ReadonlyMap<string, Spot>,
): number {
  const levels = flow.exits.flatMap((e) => {
    const [from, at] = [byId.get(e.from), placed.get(e.from)];
    return e.to === node.id && from && at ? [at.y + handleY(from, e.on)] : [];
  });
  if (levels.length === 0) return 0;
  return levels.reduce((a, b) => a + b, 0) / levels.length - PIN_Y - HANDLE_HEIGHT / 2;
}

interface Wish {
  node: Placed;
  top: number;
}

/** Keeps the order and the gaps and moves everyone as little as possible (pool adjacent violators). */
function spread(wishes: readonly Wish[]): Wish[] {
  const blocks: { wishes: Wish[]; height: number; top: number }[] = [];
  for (const wish of wishes) {
    blocks.push({ wishes: [wish], height: heightOf(wish.node), top: wish.top });
    for (;;) {
      const [upper, lower] = [blocks.at(-2), blocks.at(-1)];
      if (!upper || !lower || upper.top + upper.height + GAP_Y <= lower.top) break;
      const down = upper.height + GAP_Y;
      const total = upper.top * upper.wishes.length + (lower.top - down) * lower.wishes.length;
      const joined = [...upper.wishes, ...lower.wishes];
      blocks.splice(-2, 2, {
        wishes: joined,
        height: down + lower.height,
        top: total / joined.length,
      });
    }
  }
  return blocks.flatMap((block) => {
    let top = block.top;
    return block.wishes.map(({ node }) => {
      const here = top;
      top += heightOf(node) + GAP_Y;
      return { node, top: here };
    });
  });
}

function overlaps(flow: Drawn): boolean {
  const across = flow.nodes
    .map((n) => ({ ...(n.at ?? { x: 0, y: 0 }), height: heightOf(n) }))
    .sort((a, b) => a.x - b.x);
  return across.some((a, i) => {
    for (let j = i + 1; j < across.length; j += 1) {
      const b = across[j];
      if (!b || b.x - a.x >= NODE_WIDTH) return false;
      if (a.y < b.y + b.height && b.y < a.y + a.height) return true;
    }
    return false;
  });
}

/** So many of what nobody reaches stand in a row, or more if the drawing is wider. */
const REST_ACROSS = 4;
const GAP_X = 96;
const GAP_Y = 28;
