/**
 * The stage that watches a release day by day, in event time, as if live: how far the features moved
 * away from the training data, what the decisions really cost, and whether probabilities still hold.
 *
 * It emits one {@link DataDrift} and, once outcomes are known, one {@link MetricDrop} a day, whatever
 * their size: what to do about them, and from which value, is the policy of a hook.
 */
import {
  type Artifact,
  type Charter,
  type Contract,
  Digest,
  type Metric,
  Stage,
} from "@ml-pipe/core";
import {
  Decisions,
  type Duckdb,
  FeatureSet,
  Maturity,
  Interval,
  Release,
  type StatisticsError,
  Table,
} from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { driftByDay } from "./internal/drift.ts";
import { exhibitsOf } from "./internal/exhibits.ts";
import { findingsOf } from "./internal/findings.ts";
import { binsOf, histogramsOf } from "./internal/histograms.ts";
import { outcomesOf } from "./internal/outcomes.ts";
import { type DayTotals, totalsByDay } from "./internal/realised.ts";
import { type FeatureDrift, type MonitoredDay, Monitoring } from "./Monitoring.ts";
import { DataDrift, MetricDrop } from "./Signals.ts";

export { FeatureDrift, MonitoredDay, Monitoring } from "./Monitoring.ts";
export { Freshness, freshness, type FreshnessOptions, type FreshnessStage } from "./Freshness.ts";
export { DataDrift, FeatureStale, MetricDrop } from "./Signals.ts";

/** The reference is not the table that the released model was trained on. */
export class OtherReference extends Schema.TaggedError<OtherReference>()("OtherReference", {
  release: Schema.String,
  trainedOn: Digest.Digest,
  reference: Digest.Digest,
}) {
  override get message(): string {
    return `${this.release} was trained on table ${this.trainedOn.slice(0, 19)}, and the reference is ${this.reference.slice(0, 19)}: drift from it would say nothing about the model. Wire the train part that the model was trained on.`;
  }
}

/** Feature tables with an event time: what is decided at some instant is watched day by day. */
export type Timed<L extends FeatureSet.LabelValue = FeatureSet.LabelValue> = Contract.Contract<
  string,
  FeatureSet.Labelled<L>["columns"],
  string
>;

/** How {@link daily} watches. */
export interface DailyOptions<
  Feature extends string,
  M extends Metric.Metric = Metric.DecisionMetric,
> {
  /** Costs, baseline, smallest gain, and how long after a decision its outcome is known. */
  readonly charter: Charter.Charter<M>;
  /** PSI at which figures draw their line; default 0.2. Hooks have thresholds of their own. */
  readonly driftThreshold?: number;
  /** Features to watch; default all. */
  readonly features?: ReadonlyArray<Feature>;
  /**
   * Length of the trailing window; default 7, so that each day of the week is in it once. With 1, a
   * feature such as the day of the week drifts every day.
   */
  readonly windowDays?: number;
  /** Days with fewer rows are a finding and are not judged; default 100. */
  readonly minRows?: number;
  /**
   * Share of a day's outcomes that must be known before its cost is judged; default 0.9. Outcomes that
   * arrive first are seldom like those that arrive last.
   */
  readonly minKnownShare?: number;
  /** Seed of the bootstrap of the gain over all days; default 0. */
  readonly seed?: number;
}

/** What {@link daily} can fail with. */
export type MonitorError = Decisions.DecisionsError | StatisticsError | OtherReference;

/** The stage that {@link daily} makes. */
export type MonitorStage<Out extends Contract.Contract> = Stage.Stage<
  {
    readonly release: Release.Release<Out>;
    readonly reference: Table.Table<Out, "train">;
    readonly live: Table.Table<Out, "live">;
  },
  Monitoring,
  {
    readonly drift: (typeof DataDrift.payload)["Type"];
    readonly cost: (typeof MetricDrop.payload)["Type"];
  },
  MonitorError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/**
 * A stage that watches a release of a feature set over its live table.
 *
 * Rows whose outcome is not known yet count for drift and predictions, never for costs. A feature set
 * without a moment of the decision does not fit, by type. Fails with {@link OtherReference} if the
 * reference is not what the model was trained on.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Monitor } from "@ml-pipe/monitor";
 *
 * const stageFor = <C extends Contract.Contract, Out extends Monitor.Timed<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 *   charter: Charter.Charter<Metric.DecisionMetric>,
 * ) => Monitor.daily(set, { charter, driftThreshold: 0.2 });
 * ```
 */
export const daily = <
  C extends Contract.Contract,
  Out extends Timed<FeatureSet.LabelFor<M>>,
  M extends Metric.Metric,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: DailyOptions<keyof Out["columns"] & string, M>,
): MonitorStage<Out> => {
  const { charter, driftThreshold = 0.2, windowDays = 7, minRows = 100 } = options;
  const { minKnownShare = 0.9, seed = 0 } = options;
  const own = set.spec.features.map(({ name }) => name);
  const features: ReadonlyArray<string> = options.features ?? own;
  const unknown = features.find((feature) => !own.includes(feature));
  if (unknown !== undefined) {
    throw new TypeError(
      `monitor: "${unknown}" is no feature of "${set.spec.name}"; it has ${own.join(", ")}`,
    );
  }
  const { eventTime } = set.contract;
  if (set.spec.decidedAt === undefined) {
    throw new TypeError(`monitor: "${set.spec.name}" does not say when it is decided (decidedAt)`);
  }
  const { metric, smallestGain, decision } = charter.spec;
  const limits = { driftThreshold, windowDays, minRows, minKnownShare };
  return Stage.make("monitor", {
    description: "watches drift and realised cost day by day",
    input: {
      release: Release.of(set),
      reference: Table.of(set.contract, "train"),
      live: Table.of(set.contract, "live"),
    },
    output: Monitoring,
    signals: { drift: DataDrift, cost: MetricDrop },
    params: { featureSet: set.digest, charter: charter.digest, features, seed, ...limits },
    charter,
    // A cost that could not be known yet can be later.
    fingerprint: Effect.fnUntraced(function* ({ live }) {
      const outcomesBy = Maturity.outcomesBy(charter, yield* Clock.currentTimeMillis);
      return yield* Decisions.prematureLabels(set, live, outcomesBy);
    }),
    run: Effect.fnUntraced(function* (
      { release, reference, live },
      { emit, exhibit, finding, progress },
    ) {
      yield* requireReference(release, reference);
      const outcomesBy = Maturity.outcomesBy(charter, yield* Clock.currentTimeMillis);
      // DuckDB counts on its own threads while the model scores on this one.
      const { decided, drift } = yield* Effect.all(
        {
          decided: outcomesOf(set, { release, live, charter, outcomesBy }),
          drift: Effect.gen(function* () {
            const bins = yield* binsOf(reference, features);
            const before = yield* histogramsOf(reference, eventTime, bins);
            const now = yield* histogramsOf(live, eventTime, bins);
            return yield* driftByDay(bins, before, now, { windowDays, minRows });
          }),
        },
        { concurrency: "unbounded" },
      );
      yield* progress({ label: "scored", rows: decided.rows });
      const { premature } = decided;
      if (premature > 0) {
        const { owner } = set.contract.spec;
        const known = decided.rows - decided.unlabelled;
        const about = { premature, known, by: new Date(outcomesBy), owner };
        yield* finding(Maturity.prematureFinding("monitor.mature", about));
      }
      const totals = totalsByDay(decided);
      const days = totals.map((one) => dayOf(one, drift.get(one.day), limits));
      const judged = totals.filter((_, index) => days[index]?.costJudged === true);
      const monitoring: Monitoring = {
        release: Release.label(release),
        model: release.model.document.digest,
        charter: charter.digest,
        live: Table.digestOf(live),
        unit: metric.unit,
        label: FeatureSet.labelKind(set.spec),
        ...(release.threshold === undefined ? {} : { threshold: release.threshold }),
        driftThreshold,
        windowDays,
        rows: decided.rows,
        labelled: decided.rows - decided.unlabelled,
        undated: decided.undated,
        ...(yield* gainOf(judged, seed)),
        smallestGain,
        days,
      };
      for (const [index, day] of days.entries()) {
        const end = ((totals[index]?.day ?? 0) + 1) * Decisions.millisPerDay;
        yield* emitDay(day, end);
      }
      yield* Effect.forEach(
        findingsOf(monitoring, {
          charter,
          releaseCharter: release.charter,
          owner: set.contract.spec.owner,
          minRows,
          minKnownShare,
        }),
        finding,
      );
      yield* Effect.forEach(exhibitsOf(monitoring, charter), exhibit);
      return monitoring;

      function emitDay(day: MonitoredDay, end: number) {
        const observations: Array<Effect.Effect<void>> = [];
        const [worst] = day.features.toSorted((a, b) => b.drift - a.drift);
        if (day.driftJudged && worst !== undefined) {
          const { feature, drift: psi, windowPsi, dayPsi } = worst;
          observations.push(
            emit("drift", {
              at: new Date(end),
              value: psi,
              payload: { day: day.day, feature, psi, windowPsi, dayPsi, rows: day.rows },
            }),
          );
        }
        const { cost, baselineCost, gain } = day;
        if (day.costJudged && cost !== null && baselineCost !== null && gain !== null) {
          observations.push(
            emit("cost", {
              at: new Date(end + decision.outcomeKnownAfterMs),
              value: smallestGain - gain,
              payload: {
                day: day.day,
                decisions: day.labelled,
                unit: metric.unit,
                realisedCost: cost,
                baselineCost,
                gain,
              },
            }),
          );
        }
        return Effect.all(observations, { discard: true });
      }
    }),
  });
};

const requireReference = (
  release: Release.ModelRelease,
  reference: Table.AnyTable,
): Effect.Effect<void, OtherReference> => {
  const [trainedOn, found] = [release.model.trainedOn.table, Table.digestOf(reference)];
  return trainedOn === found
    ? Effect.void
    : Effect.fail(
        new OtherReference({ release: Release.label(release), trainedOn, reference: found }),
      );
};

const dayOf = (
  totals: DayTotals,
  features: ReadonlyArray<FeatureDrift> | undefined,
  { minRows, minKnownShare }: { readonly minRows: number; readonly minKnownShare: number },
): MonitoredDay => {
  const { rows, labelled } = totals;
  const perLabelled = (sum: number) => (labelled === 0 ? null : sum / labelled);
  return {
    day: new Date(totals.day * Decisions.millisPerDay).toISOString().slice(0, 10),
    rows,
    labelled,
    meanPredicted: totals.predicted / rows,
    observedRate: perLabelled(totals.observed),
    calibrationGap: perLabelled(totals.predictedOfLabelled - totals.observed),
    cost: perLabelled(totals.cost),
    baselineCost: perLabelled(totals.baselineCost),
    gain: perLabelled(totals.baselineCost - totals.cost),
    driftJudged: rows >= minRows,
    costJudged: labelled >= minRows && labelled / rows >= minKnownShare,
    features: features ?? [],
  };
};

/** The gain over all judged days, with its interval where there are two or more. */
const gainOf = Effect.fnUntraced(function* (
  days: ReadonlyArray<DayTotals>,
  seed: number,
): Effect.fn.Return<Pick<Monitoring, "gain" | "gainInterval">, StatisticsError> {
  const sums = days.map(({ cost, baselineCost }) => baselineCost - cost);
  const counts = days.map(({ labelled }) => labelled);
  const rows = counts.reduce((sum, one) => sum + one, 0);
  if (rows === 0) return { gain: null, gainInterval: null };
  const gain = sums.reduce((sum, one) => sum + one, 0) / rows;
  if (days.length < 2) return { gain, gainInterval: null };
  return {
    gain,
    gainInterval: yield* Effect.fromResult(Interval.bootstrapTotals(sums, counts, { seed })),
  };
});
