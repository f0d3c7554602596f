/** Fetches a recording and makes the outline of its lanes. */
import { peaksOf } from "../../core/peaks";

export async function loadPeaks(url: string, slices: number): Promise<number[][]> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the recording answered with ${answer.status}`);
  // An outline needs no more than 8 kHz; decoding straight to it keeps the memory small.
  const context = new OfflineAudioContext(2, 1, 8000);
  const sound = await context.decodeAudioData(await answer.arrayBuffer());
  return peaksOf(
    Array.from({ length: sound.numberOfChannels }, (_, lane) => sound.getChannelData(lane)),
    slices,
  );
}
