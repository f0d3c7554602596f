/** The recording of a call: what became of it, and the player when it can be heard. */
import { useRecordingLink } from "../../api/calls";
import type { CallDetail, Recording } from "../../api/words";
import { stagesOf } from "../../core/call-stages";
import { clockFace } from "../../core/time";
import { Spinner } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Notice } from "../../ui/Notice";
import { Player } from "./Player";

export function RecordingCard({ call, recording }: { call: CallDetail; recording: Recording }) {
  const link = useRecordingLink(call.id);
  switch (recording.state) {
    case "none":
      return null;
    case "recording":
      return (
        <Card title="Recording">
          <p role="status" className="flex items-center gap-2.5 text-soft text-sm">
            <Spinner />{" "}
            {call.ended_at === null
              ? "The call is being recorded."
              : "The recording is being put away; a moment."}
          </p>
        </Card>
      );
    case "failed":
      return (
        <Card title="Recording">
          <Notice tone="stop">There is no recording of this call. {recording.reason ?? ""}</Notice>
        </Card>
      );
    default:
      return (
        <Card
          title="Recording"
          aside={
            recording.duration_ms ? (
              <span className="text-faint text-xs tabular-nums">
                {clockFace(recording.duration_ms)}
                {recording.bytes ? ` · ${sizeOf(recording.bytes)}` : ""}
              </span>
            ) : null
          }
        >
          {recording.reason ? (
            <div className="mb-3">
              <Notice tone="hold">{recording.reason}</Notice>
            </div>
          ) : null}
          <Player
            getLink={() => link.mutateAsync().then((l) => l.url)}
            duration_ms={recording.duration_ms ?? 0}
            callerName={call.contact.name || "Caller"}
            agentName={call.agent?.name ?? "Agent"}
            holds={holdsOf(call)}
            fileName={`${call.id}.ogg`}
          />
        </Card>
      );
  }
}

/** Where the hold lies, in milliseconds of the recording: it begins when both hear each other. */
function holdsOf(call: CallDetail) {
  const zero = (call.connected_at ?? call.started_at) - call.started_at;
  return stagesOf(call, Date.now())
    .filter((stage) => stage.is === "hold")
    .map((stage) => ({ from_ms: stage.from_ms - zero, to_ms: stage.to_ms - zero }));
}

function sizeOf(bytes: number): string {
  return bytes < 1_000_000
    ? `${Math.max(1, Math.round(bytes / 1000))} kB`
    : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
