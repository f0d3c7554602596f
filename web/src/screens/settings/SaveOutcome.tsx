/** What became of a form that was sent: one word, or one sentence. */
import { sentence } from "../../core/sentence";

export function SaveOutcome({ done, error }: { done: string | null; error: Error | null }) {
  return (
    <>
      {done ? (
        <span role="status" className="text-go-strong text-xs">
          {done}
        </span>
      ) : null}
      {error ? (
        <span role="alert" className="text-stop-ink text-xs">
          {sentence(error.message)}
        </span>
      ) : null}
    </>
  );
}
