/** How the lines between nodes run, so that they neither cover each other nor cross the nodes. */

export interface Spot {
  x: number;
  y: number;
}

/** Where between two columns each of a node's forward lines turns, 0..1; lines that rise turn in order, lines that fall in reverse. */
export function turns(lines: readonly { id: string; rise: number }[]): Map<string, number> {
  const up = lines.filter((l) => l.rise < 0);
  const down = lines.filter((l) => l.rise >= 0).reverse();
  const at = new Map<string, number>();
  for (const group of [up, down])
    group.forEach((line, n) => {
      at.set(line.id, 0.3 + (0.4 * (n + 1)) / (group.length + 1));
    });
  return at;
}

/** A line that goes back to an earlier column: out to the right, below everything, up again on the left. */
export function backPath(from: Spot, to: Spot, floor_y: number): string {
  const right = from.x + REACH;
  const left = to.x - REACH;
  return roundedPath([
    from,
    { x: right, y: from.y },
    { x: right, y: floor_y },
    { x: left, y: floor_y },
    { x: left, y: to.y },
    to,
  ]);
}

/** Straight pieces with round corners, as an SVG path. */
export function roundedPath(spots: readonly Spot[]): string {
  const [first, ...rest] = spots;
  if (!first) return "";
  let path = `M${first.x} ${first.y}`;
  rest.forEach((spot, n) => {
    const after = rest[n + 1];
    const before = spots[n];
    if (!after || !before) {
      path += `L${spot.x} ${spot.y}`;
      return;
    }
    const into = towards(spot, before);
    const out = towards(spot, after);
    path += `L${into.x} ${into.y}Q${spot.x} ${spot.y} ${out.x} ${out.y}`;
  });
  return path;
}

function towards(from: Spot, to: Spot): Spot {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const share = length === 0 ? 0 : Math.min(RADIUS, length / 2) / length;
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

const RADIUS = 14;
const REACH = 28;
