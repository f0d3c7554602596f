/** Flows to begin with. */
import { blankNode, type Flow, type FlowNode, whole } from "./flow";
import { move } from "./flow-edit";
import { layout } from "./flow-layout";

export interface Template {
  id: string;
  name: string;
  about: string;
  /** Its nodes stand tidied. */
  flow: (name: string) => Flow;
}

export const TEMPLATES: readonly Template[] = [
  {
    id: "blank",
    name: "Greeting and goodbye",
    about: "The smallest flow that works.",
    flow: (name) =>
      drawn(
        name,
        [
          node("greeting", "welcome", "Welcome", { prompt: { text: "Thank you for calling." } }),
          node("hangup", "goodbye", "Goodbye", {}),
        ],
        ["welcome default goodbye"],
      ),
  },
  {
    id: "reception",
    name: "Reception",
    about: "A greeting, a menu, two teams.",
    flow: (name) =>
      drawn(
        name,
        [
          node("greeting", "welcome", "Welcome", {
            prompt: { text: "Thank you for calling." },
            interruptible: true,
          }),
          node("menu", "menu", "Main menu", {
            prompt: { text: "For sales, press 1. For support, press 2." },
            options: [
              { digit: "1", label: "Sales" },
              { digit: "2", label: "Support" },
            ],
          }),
          node("transfer", "sales", "Sales", {}),
          node("transfer", "support", "Support", {}),
          node("hangup", "goodbye", "Goodbye", { prompt: { text: "Goodbye." } }),
        ],
        ["welcome default menu", "menu digit:1 sales", "menu digit:2 support", "menu max_retries goodbye"],
      ),
  },
  {
    id: "hours",
    name: "Opening hours",
    about: "Open: a team. Closed: says when to call again.",
    flow: (name) =>
      drawn(
        name,
        [
          node("timing", "hours", "Are we open?", {
            timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
            days: (["monday", "tuesday", "wednesday", "thursday", "friday"] as const).map((day) => ({
              day,
              enabled: true,
              start: "09:00",
              end: "17:00",
            })),
          }),
          node("greeting", "open", "We are open", { prompt: { text: "Thank you for calling." } }),
          node("transfer", "team", "Team", {}),
          node("hangup", "closed", "We are closed", {
            prompt: { text: "We are closed. Please call again from Monday to Friday, nine to five." },
          }),
        ],
        ["hours in_hours open", "hours out_of_hours closed", "open default team"],
      ),
  },
  {
    id: "account",
    name: "Account number",
    about: "Takes a number, asks your service, then a team.",
    flow: (name) =>
      drawn(
        name,
        [
          node("greeting", "welcome", "Welcome", { prompt: { text: "Thank you for calling." } }),
          node("gather", "account", "Account number", {
            prompt: { text: "Please type your account number, then the hash key." },
            store_as: "account",
          }),
          node("http_callback", "lookup", "Look it up", {
            url: "https://crm.example.com/accounts/{{account}}",
            store_response_as: "customer",
          }),
          node("transfer", "team", "Team", {}),
          node("hangup", "goodbye", "Goodbye", { prompt: { text: "Goodbye." } }),
        ],
        [
          "welcome default account",
          "account default lookup",
          "account max_retries goodbye",
          "lookup default team",
        ],
      ),
  },
];

function node(kind: FlowNode["kind"], id: string, name: string, fields: object): FlowNode {
  return { ...blankNode(kind, id, { x: 0, y: 0 }, name), ...fields } as FlowNode;
}

function drawn(name: string, nodes: FlowNode[], lines: readonly string[]): Flow {
  const exits = lines.map((line) => {
    const [from = "", on = "", to = ""] = line.split(" ");
    return { from, on, to };
  });
  const flow = whole({ name, entry: nodes[0]?.id ?? "", nodes, exits });
  return move(flow, layout(flow));
}
