/** Where a new node stands: beside what leads to it, on nothing else. */
import type { At, Flow } from "../../core/flow";
import { nodeOf } from "../../core/flow";
import { handleY, heightOf, NODE_WIDTH, PIN_Y } from "../../core/flow-size";

/** To the right of a node, level with the exit it will hang on. */
export function spotAfter(flow: Flow, id: string, on?: string): At {
  const node = nodeOf(flow, id);
  if (!node) return freeSpot(flow, { x: 0, y: 0 });
  const y = node.at.y + (on ? handleY(node, on) - PIN_Y : 0);
  return freeSpot(flow, { x: node.at.x + NODE_WIDTH + 96, y: Math.round(y) });
}

/** The nearest spot at or below `near` where a new node covers nothing. */
export function freeSpot(flow: Flow, near: At): At {
  const inColumn = flow.nodes
    .filter((n) => Math.abs(n.at.x - near.x) < NODE_WIDTH + 16)
    .sort((a, b) => a.at.y - b.at.y);
  let y = near.y;
  for (const node of inColumn)
    if (y < node.at.y + heightOf(node) + GAP && node.at.y < y + TALL + GAP)
      y = node.at.y + heightOf(node) + GAP;
  return { x: near.x, y };
}

const TALL = 170;
const GAP = 28;
