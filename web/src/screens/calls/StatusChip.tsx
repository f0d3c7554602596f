/** A call's status as a chip. */
import { statusWord } from "../../core/call-words";
import { Badge } from "../../ui/Badge";

export function StatusChip({ status }: { status: string }) {
  const { word, tone, live } = statusWord(status);
  return (
    <Badge tone={tone} live={live}>
      {word}
    </Badge>
  );
}
