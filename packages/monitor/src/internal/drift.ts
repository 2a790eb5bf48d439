/** Drift of each feature by day; see FeatureDrift for what is compared. */
import { Drift, type StatisticsError } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { FeatureDrift } from "../Monitoring.ts";
import { type Bins, type DayCounts, type Histograms, sumOf } from "./histograms.ts";

/** How days are compared. */
export interface DriftOptions {
  readonly windowDays: number;
  /** Days with fewer rows are not judged. */
  readonly minRows: number;
}

/** The drift of every feature on every live day with enough rows. */
export const driftByDay = Effect.fnUntraced(function* (
  bins: ReadonlyArray<Bins>,
  reference: Histograms,
  live: Histograms,
  { windowDays, minRows }: DriftOptions,
): Effect.fn.Return<ReadonlyMap<number, ReadonlyArray<FeatureDrift>>, StatisticsError> {
  const whole = sumOf(reference.values());
  const usual = new Float64Array(bins.length);
  const all = [...reference.values()];
  const large = all.filter((day) => rowsOf(day) >= minRows);
  for (const day of large.length > 0 ? large : all) {
    for (const feature of bins.keys()) {
      usual[feature] = Math.max(usual[feature]!, yield* psi(whole, day, feature));
    }
  }
  const first = Math.min(...live.keys());
  const found = new Map<number, ReadonlyArray<FeatureDrift>>();
  for (const [day, counts] of live) {
    if (rowsOf(counts) < minRows) continue;
    const full = day - first + 1 >= windowDays;
    const window = full ? sumOf(windowOf(live, day, windowDays)) : undefined;
    const features: Array<FeatureDrift> = [];
    for (const [feature, { feature: name }] of bins.entries()) {
      const dayPsi = yield* psi(whole, counts, feature);
      const windowPsi = window === undefined ? null : yield* psi(whole, window, feature);
      const usualDayPsi = usual[feature] ?? 0;
      features.push({
        feature: name,
        drift: Math.max(windowPsi ?? 0, dayPsi - usualDayPsi, 0),
        windowPsi,
        dayPsi,
        usualDayPsi,
        jensenShannon: yield* Effect.fromResult(
          Drift.jensenShannon(population(whole, feature), population(counts, feature)),
        ),
        missing: (counts[feature]?.at(-1) ?? 0) / rowsOf(counts),
      });
    }
    found.set(day, features);
  }
  return found;
});

const windowOf = (live: Histograms, day: number, windowDays: number): ReadonlyArray<DayCounts> =>
  Array.from({ length: windowDays }, (_, back) => live.get(day - back)).filter(
    (counts) => counts !== undefined,
  );

const population = (counts: DayCounts, feature: number): Drift.Population => ({
  counts: counts[feature] ?? [],
});

const psi = (reference: DayCounts, current: DayCounts, feature: number) =>
  Effect.fromResult(Drift.psi(population(reference, feature), population(current, feature)));

/** Rows of a day: every feature counts each row once. */
export const rowsOf = (counts: DayCounts): number =>
  counts[0]?.reduce((sum, one) => sum + one, 0) ?? 0;
