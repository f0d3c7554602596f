/** The icon and the colour of each kind of node; kinds are told apart by the icon and the word too. */
import type { IconName } from "../../ui/Icon";

export function faceOf(kind: string): { icon: IconName; look: string } {
  return FACES[kind] ?? { icon: "info", look: "bg-well text-soft" };
}

const FACES: Record<string, { icon: IconName; look: string }> = {
  greeting: { icon: "speech", look: "bg-brand-wash text-brand" },
  menu: { icon: "keypad", look: "bg-wait-wash text-wait" },
  gather: { icon: "key", look: "bg-wait-wash text-wait" },
  http_callback: { icon: "globe", look: "bg-well text-soft" },
  transfer: { icon: "team", look: "bg-go-wash text-go" },
  goto_flow: { icon: "jump", look: "bg-well text-soft" },
  timing: { icon: "clock", look: "bg-hold-wash text-hold-ink" },
  hangup: { icon: "phone-end", look: "bg-stop-wash text-stop-ink" },
};
