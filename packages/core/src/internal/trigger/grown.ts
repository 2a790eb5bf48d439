/** When a count has grown, and when a run has emitted a signal. */
import type { CountSpec, Due, SignalSpec, StateOf } from "./spec.ts";

/** See `Trigger.due`. */
export const dueCount = (
  { atLeast, existing }: CountSpec,
  state: StateOf<"count"> | undefined,
  count: number,
): Due<StateOf<"count">> => {
  const { base, times } = state ?? { base: existing === "run" ? 0 : count, times: 0 };
  if (state !== undefined && count >= base && count - base < atLeast) {
    return { occurrences: [], state };
  }
  if (count - base >= atLeast) {
    // The same count may be reached again after a fall: it is told apart by its number.
    const occurrence = `${count} (number ${times + 1})`;
    return { occurrences: [occurrence], state: { kind: "count", base: count, times: times + 1 } };
  }
  return { occurrences: [], state: { kind: "count", base: Math.min(base, count), times } };
};

/** A signal as a run recorded it. */
export interface SignalSeen {
  readonly run: string;
  readonly pipeline: string;
  readonly stage: string;
  readonly signal: string;
  readonly value: number;
  readonly at: Date;
}

/** What stages recorded since the last look. */
export interface SignalsSeen {
  readonly signals: ReadonlyArray<SignalSeen>;
  /** The last record of a stage there is. */
  readonly cursor: number;
}

/**
 * See `Trigger.due`. An observation counts once, however many runs repeat it: what counts is its event
 * time, as it does for hooks.
 */
export const dueSignals = (
  { signal, atLeast, from }: SignalSpec,
  state: StateOf<"signal"> | undefined,
  seen: SignalsSeen,
  pipeline: string,
): Due<StateOf<"signal">> => {
  if (state?.cursor === seen.cursor && seen.signals.length === 0) {
    return { occurrences: [], state };
  }
  const listened = seen.signals
    .filter((one) => one.signal === signal)
    .filter((one) => (from === undefined ? one.pipeline !== pipeline : from.includes(one.pipeline)))
    .toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const before = state?.seenUntil ?? {};
  const seenUntil: Record<string, number> = { ...before };
  const occurrences = new Map<string, string>();
  for (const { run, pipeline, stage, value, at } of listened) {
    const place = `${pipeline}/${stage}`;
    const atMs = at.getTime();
    if (atMs <= (before[place] ?? -Infinity)) continue;
    seenUntil[place] = Math.max(seenUntil[place] ?? -Infinity, atMs);
    const when = at.toISOString();
    // Several at one time, such as of several columns, are one occurrence.
    if (value >= atLeast) occurrences.set(`${place} ${when}`, `${run}/${stage} ${signal} ${when}`);
  }
  return {
    // What was there before anyone listened is not news.
    occurrences: state === undefined ? [] : [...occurrences.values()],
    state: { kind: "signal", cursor: seen.cursor, seenUntil },
  };
};
