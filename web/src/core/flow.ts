/** A flow as the editor holds it: plain values, every field present, in the order the server writes them. */

export interface At {
  x: number;
  y: number;
}

export interface Prompt {
  clip?: string | null;
  text?: string | null;
}

export interface MenuOption {
  digit: string;
  label: string;
}

export type Day = "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday";

export interface DayHours {
  day: Day;
  enabled: boolean;
  start: string;
  end: string;
}

export interface Header {
  name: string;
  value: string;
}

export type Kinds = {
  greeting: { prompt: Prompt; interruptible: boolean };
  menu: { prompt: Prompt; timeout_secs: number; max_retries: number; options: MenuOption[] };
  gather: {
    prompt: Prompt;
    max_digits: number;
    terminator: string | null;
    store_as: string;
    timeout_secs: number;
    max_retries: number;
    sensitive: boolean;
  };
  http_callback: {
    url: string;
    method: "GET" | "POST";
    headers: Header[];
    body: string;
    timeout_secs: number;
    store_response_as: string;
  };
  transfer: { team: string };
  goto_flow: { flow: string };
  timing: { timezone: string; days: DayHours[] };
  hangup: { prompt?: Prompt };
};

export type Kind = keyof Kinds;

/** What a node of one kind holds. */
export type NodeOf<K extends Kind> = { id: string; kind: K } & Kinds[K] & { name: string; at: At };

export type FlowNode = { [K in Kind]: NodeOf<K> }[Kind];

export interface Exit {
  from: string;
  on: string;
  to: string;
}

/** A note on the canvas; callers never notice it. */
export interface Note {
  id: string;
  text: string;
  at: At;
}

export interface Flow {
  name: string;
  entry: string;
  nodes: FlowNode[];
  exits: Exit[];
  notes: Note[];
}

/** A flow from outside: any part may be missing. */
export interface LooseFlow {
  name?: string;
  entry?: string;
  nodes?: readonly object[];
  exits?: readonly Exit[];
  notes?: readonly Note[];
}

/** Fills in what is missing, so that nobody below has to ask; field order is the server's. */
export function whole(flow: LooseFlow): Flow {
  return {
    name: flow.name ?? "",
    entry: flow.entry ?? "",
    nodes: (flow.nodes ?? []).flatMap(wholeNode),
    exits: (flow.exits ?? []).map(({ from, on, to }) => ({ from, on, to })),
    notes: (flow.notes ?? []).map(({ id, text, at }) => ({ id, text, at: { x: at.x, y: at.y } })),
  };
}

/** The flow as the server takes it: whole pixels, and no list of notes where there is none. */
export function toSend(flow: Flow): LooseFlow {
  const { notes, ...rest } = flow;
  return notes.length > 0 ? flow : rest;
}

/** A fresh node with the defaults of its kind. */
export function blankNode<K extends Kind>(kind: K, id: string, at: At, name = ""): NodeOf<K> {
  return { id, kind, ...BLANK[kind](), name, at };
}

export function isKind(word: unknown): word is Kind {
  return typeof word === "string" && Object.hasOwn(BLANK, word);
}

export function isTerminal(kind: Kind): boolean {
  return kind === "transfer" || kind === "goto_flow" || kind === "hangup";
}

export function nodeOf(flow: Flow, id: string): FlowNode | undefined {
  return flow.nodes.find((n) => n.id === id);
}

export function exitKey(exit: { from: string; on: string }): string {
  return `${exit.from} ${exit.on}`;
}

function wholeNode(loose: object): FlowNode[] {
  const given = loose as Partial<FlowNode>;
  if (typeof given.id !== "string" || !isKind(given.kind)) return [];
  const node: Record<string, unknown> = blankNode(given.kind, given.id, { x: 0, y: 0 });
  for (const [field, value] of Object.entries(given))
    if (field in node && value !== undefined) node[field] = value;
  // The only field that may be absent in the text, and stands before the name there.
  if (given.kind === "hangup") {
    const { id, kind, name, at } = node;
    const prompt = given.prompt ?? undefined;
    return [{ id, kind, ...(prompt ? { prompt } : {}), name, at } as FlowNode];
  }
  return [node as unknown as FlowNode];
}

const BLANK: { [K in Kind]: () => Kinds[K] } = {
  greeting: () => ({ prompt: {}, interruptible: false }),
  menu: () => ({ prompt: {}, timeout_secs: 10, max_retries: 3, options: [] }),
  gather: () => ({
    prompt: {},
    max_digits: 10,
    terminator: "#",
    store_as: "",
    timeout_secs: 10,
    max_retries: 3,
    sensitive: false,
  }),
  http_callback: () => ({
    url: "",
    method: "GET",
    headers: [],
    body: "",
    timeout_secs: 10,
    store_response_as: "",
  }),
  transfer: () => ({ team: "" }),
  goto_flow: () => ({ flow: "" }),
  timing: () => ({ timezone: "UTC", days: [] }),
  hangup: () => ({}),
};

/** In the order of the palette. */
export const KINDS: readonly Kind[] = [
  "greeting",
  "menu",
  "gather",
  "timing",
  "http_callback",
  "transfer",
  "goto_flow",
  "hangup",
];

export const DAYS: readonly Day[] = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
];

/** Keys a menu can offer, as on a telephone. */
export const KEYS: readonly string[] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
