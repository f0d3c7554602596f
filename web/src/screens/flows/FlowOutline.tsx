/** The flow as a list: the same facts for who cannot or will not look at a drawing. */
import type { Flow } from "../../core/flow";
import { handlesOf, kindWord, spoken, summary } from "../../core/flow-words";
import { Card } from "../../ui/Card";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { faceOf } from "./faces";

export function FlowOutline({ flow }: { flow: Flow }) {
  const names = new Map(flow.nodes.map((n) => [n.id, n.name || kindWord(n.kind)]));
  return (
    <div className="mt-4">
      <Card title="Outline" aside={<span className="text-faint text-xs">{flow.nodes.length} nodes</span>}>
        <ul className="divide-y divide-line">
          {flow.nodes.map((node) => {
            const exits = flow.exits.filter((e) => e.from === node.id);
            const labels = new Map(handlesOf(node).map((h) => [h.on, h.label]));
            const face = faceOf(node.kind);
            return (
              <li key={node.id} id={`node-${node.id}`} className="flex gap-3.5 py-3.5 last:pb-0">
                <span className={classes("grid size-8 shrink-0 place-items-center rounded-lg", face.look)}>
                  <Icon name={face.icon} size={17} />
                </span>
                <div className="min-w-0 flex-1">
                  <h3 className="font-medium text-sm">
                    {names.get(node.id)}{" "}
                    <span className="font-normal text-faint">· {kindWord(node.kind)}</span>
                  </h3>
                  <p className="mt-0.5 text-soft text-xs">{summary(node)}</p>
                  {spoken(node) ? (
                    <p className="mt-1 text-pretty text-faint text-xs italic">{spoken(node)}</p>
                  ) : null}
                  {exits.length > 0 ? (
                    <ul className="mt-2 flex flex-wrap gap-1.5">
                      {exits.map((exit) => (
                        <li key={exit.on} className="rounded-md bg-well px-2 py-1 text-soft text-xs">
                          {labels.get(exit.on) ?? exit.on} →{" "}
                          <span className="font-medium text-ink">{names.get(exit.to) ?? exit.to}</span>
                        </li>
                      ))}
                    </ul>
                  ) : null}
                </div>
              </li>
            );
          })}
        </ul>
      </Card>
    </div>
  );
}
