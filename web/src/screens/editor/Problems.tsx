/** What is wrong, in sentences: where it is, and what would mend it. */
import type { Problem } from "../../api/words";
import { nodeOf } from "../../core/flow";
import { fixesOf } from "../../core/flow-fix";
import { titleOf } from "../../core/flow-words";
import { Button, IconButton } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Icon } from "../../ui/Icon";
import { useDesk } from "./Desk";

/** The drawer under the canvas. */
export function Problems({ onClose }: { onClose: () => void }) {
  const { autosave } = useDesk();
  const { problems } = autosave;
  return (
    <section
      aria-label="Problems"
      className="absolute inset-x-0 bottom-0 z-20 flex max-h-[45%] animate-rise flex-col border-line border-t bg-raised shadow-float"
    >
      <header className="flex items-center justify-between px-4 pt-2.5 pb-1">
        <h2 className="font-semibold text-sm">{problems.length === 0 ? "No problems" : "Problems"}</h2>
        <IconButton icon="close" label="Close the problems" size="sm" onClick={onClose} />
      </header>
      {problems.length === 0 ? (
        <p className="px-4 pb-4 text-soft text-sm">
          Every caller gets somewhere. This flow can be published.
        </p>
      ) : (
        <ul className="scroll-quiet flex flex-col gap-1 overflow-y-auto px-4 pb-4">
          {problems.map((problem) => (
            <li key={`${problem.node} ${problem.code} ${problem.text}`}>
              <ProblemLine problem={problem} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** `here` leaves out the way to its node. */
export function ProblemLine({ problem, here = false }: { problem: Problem; here?: boolean }) {
  const { editor, goTo } = useDesk();
  const error = problem.severity === "error";
  const node = problem.node ? nodeOf(editor.flow, problem.node) : undefined;
  return (
    <div
      className={classes(
        "flex items-start gap-2.5 rounded-lg px-3 py-2 text-[0.8125rem] leading-5",
        error ? "bg-stop-wash" : "bg-hold-wash",
      )}
    >
      <Icon
        name="warning"
        size={16}
        title={error ? "Error" : "Warning"}
        className={classes("mt-0.5 shrink-0", error ? "text-stop-ink" : "text-hold-ink")}
      />
      <div
        className={classes("min-w-0 flex-1", !here && "sm:flex sm:items-start sm:justify-between sm:gap-3")}
      >
        <p className="text-pretty">{problem.text}</p>
        <div className="flex shrink-0 flex-wrap gap-2 empty:hidden max-sm:mt-1.5 [&:not(:empty)]:-my-1 [&:not(:empty)]:max-sm:my-1.5">
          {!here && node ? (
            <Button size="sm" onClick={() => goTo(node.id)}>
              Go to “{titleOf(node)}”
            </Button>
          ) : null}
          {fixesOf(editor.flow, problem).map((fix) => (
            <Button
              key={fix.label}
              size="sm"
              icon="check"
              onClick={() => editor.deeds.edit(fix.label, fix.apply)}
            >
              {fix.label}
            </Button>
          ))}
        </div>
      </div>
    </div>
  );
}
