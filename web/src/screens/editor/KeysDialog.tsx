/** The editor's keys, as a list. */
import { KEYS_SHOWN } from "../../core/flow-keys";
import { Dialog } from "../../ui/Dialog";
import { useDesk } from "./Desk";

export function KeysDialog() {
  const { sheet, setSheet } = useDesk();
  return (
    <Dialog
      open={sheet === "keys"}
      onClose={() => setSheet(null)}
      title="Keyboard shortcuts"
      about="Letters alone work while the drawing or the outline has the focus."
    >
      <dl className="divide-y divide-line">
        {KEYS_SHOWN.map(({ keys, does }) => (
          <div key={keys} className="flex items-center justify-between gap-4 py-2 text-sm">
            <dt className="text-soft">{does}</dt>
            <dd className="shrink-0 rounded-md border border-line bg-well px-2 py-0.5 text-xs">{keys}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
