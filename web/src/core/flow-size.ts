/** How large a node is drawn, known before it is: the layout and the canvas agree on these numbers. */
import { handlesOf, spoken, type Worded } from "./flow-words";

export const NODE_WIDTH = 224;
export const HANDLE_HEIGHT = 24;

export function heightOf(node: Worded): number {
  const handles = handlesOf(node).length;
  return headOf(node) + (handles > 0 ? 17 + handles * HANDLE_HEIGHT : 37);
}

/** How far below a node's top the line of an exit begins. */
export function handleY(node: Worded, on: string): number {
  const at = handlesOf(node).findIndex((h) => h.on === on);
  return headOf(node) + 13 + HANDLE_HEIGHT * (Math.max(0, at) + 0.5);
}

/** How far below a node's top the lines into it end. */
export const PIN_Y = 28;

function headOf(node: Worded): number {
  return 68 + (spoken(node) ? 38 : 0);
}
