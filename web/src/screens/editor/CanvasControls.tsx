/** Zoom, fit, tidy and outline, at the foot of the canvas. */
import { Panel, useReactFlow, useStore } from "@xyflow/react";
import { move } from "../../core/flow-edit";
import { layout } from "../../core/flow-layout";
import { Icon, type IconName } from "../../ui/Icon";
import { Tip } from "../../ui/Tip";
import { FIT } from "./Canvas";
import { useDesk } from "./Desk";
import { glide } from "./glide";

export function CanvasControls() {
  const { zoomIn, zoomOut, fitView } = useReactFlow();
  const zoom = useStore((s) => Math.round(s.transform[2] * 100));
  const { editor, comparison } = useDesk();
  return (
    <Panel position="bottom-left">
      <div
        role="toolbar"
        aria-label="View"
        className="flex items-center rounded-lg border border-line bg-raised p-0.5 shadow-raised"
      >
        <Small icon="minus" label="Zoom out" keys="−" onClick={() => void zoomOut()} />
        <span className="w-11 text-center text-2xs text-soft tabular-nums">{zoom} %</span>
        <Small icon="plus" label="Zoom in" keys="+" onClick={() => void zoomIn()} />
        <Small icon="fit" label="Show all" keys="0" onClick={() => void fitView({ ...FIT, ...glide() })} />
        {comparison ? null : (
          <Small
            icon="tidy"
            label="Tidy up"
            keys="Shift T"
            onClick={() => {
              editor.deeds.edit("tidy up", (flow) => move(flow, layout(flow)));
              requestAnimationFrame(() => void fitView({ ...FIT, ...glide() }));
            }}
          />
        )}
      </div>
    </Panel>
  );
}

function Small({
  icon,
  label,
  keys,
  onClick,
}: {
  icon: IconName;
  label: string;
  keys: string;
  onClick: () => void;
}) {
  return (
    <Tip text={label} keys={keys}>
      <button
        type="button"
        aria-label={label}
        onClick={onClick}
        className="grid size-8 place-items-center rounded-md text-soft transition-colors hover:bg-hover hover:text-ink"
      >
        <Icon name={icon} size={16} />
      </button>
    </Tip>
  );
}
