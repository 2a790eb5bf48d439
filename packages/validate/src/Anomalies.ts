/**
 * Anomalies: the stage that holds the profile of a batch against those of earlier batches under the same
 * contract: number of rows, shares of nulls, means, numbers of different values. The limits in use are in
 * its output, its findings and its figures, always.
 */
import {
  type Artifact,
  type Contract,
  Digest,
  type Exhibit,
  Stage,
  type Store,
} from "@ml-pipe/core";
import { Anomaly, Profile, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type Batch, batchesIn, historyOf, instantOf } from "./internal/batches.ts";
import { type Measure, measured, measures, seriesOf } from "./internal/series.ts";

/** One figure of a batch, judged. */
export const Metric = Schema.Struct({
  /** Such as `rows`, or `delay.mean`. */
  name: Schema.String,
  column: Schema.optionalKey(Schema.String),
  ...Anomaly.Judgement.fields,
});
/** See {@link Metric}. */
export type Metric = typeof Metric.Type;

/** All figures of a batch, judged. */
export const AnomalyReport = Schema.Struct({
  /** When the batch was: epoch milliseconds. */
  at: Schema.Finite,
  /** Earlier batches found. */
  batches: Schema.Int,
  metrics: Schema.Array(Metric),
}).annotate({ title: "AnomalyReport" });
/** See {@link AnomalyReport}. */
export type AnomalyReport = typeof AnomalyReport.Type;

/** How {@link ofProfile} judges. */
export interface AnomalyOptions<C extends Contract.Contract> {
  /** What is expected of every figure; default `{ _tag: "robust" }`: median and deviation of at least 7. */
  readonly model?: Anomaly.Model;
  /** Default all: `rows`, `nulls` (share), `mean`, `standard-deviation` and `distinct`. */
  readonly measures?: ReadonlyArray<Measure>;
  /** Columns to look at; default all. */
  readonly columns?: ReadonlyArray<keyof C["columns"] & string>;
  /**
   * Where earlier batches are found: the last 200 profiles (`most`) that runs in this state folder handed
   * on under this very contract; of one `stage` only, if the contract stands for several sources.
   */
  readonly history?: { readonly most?: number; readonly stage?: string };
  /** Earlier batches, given: nothing is looked up. */
  readonly batches?: ReadonlyArray<{ readonly at: Date; readonly profile: Profile.Profile }>;
  /** With `fail` an anomaly stops the run. Default `warn`. */
  readonly severity?: "fail" | "warn" | "info";
  /** Name of the stage. Default `anomalies`. */
  readonly name?: string;
}

/** A batch is unlike the earlier ones, and the severity of that is `fail`. */
export class Anomalous extends Schema.TaggedError<Anomalous>()("Anomalous", {
  contract: Schema.String,
  owner: Schema.String,
  metrics: Schema.Array(Metric),
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { contract, owner, metrics } = this;
    return [
      `The batch under the contract "${contract}" is unlike the earlier ones:`,
      ...metrics.map(
        (metric) => `  ${metric.name}: expected ${expectedOf(metric)}, found ${foundIn(metric)}`,
      ),
      `Ask ${owner} whether something changed at the source.`,
    ].join("\n");
  }
}

/** What {@link ofProfile} can fail with. */
export type AnomalyError = Anomalous | Profile.LoadError | Store.StoreError;

/**
 * A stage that judges the profile of a batch, as `Validate.table` hands it on, by the batches before it.
 * A batch is dated by its newest event, or by when it was profiled if the contract has no event time.
 * The same table profiled again is one batch.
 *
 * With too short a history a figure could not run, which is a finding: let the first batches pass with
 * `severity: "warn"`, the default.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Anomalies } from "@ml-pipe/validate";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1.0.0",
 *   owner: "fleet",
 *   columns: { at: Column.timestamp(), km: Column.float() },
 *   eventTime: "at",
 * });
 * const anomalies = Anomalies.ofProfile(Trip, {
 *   model: { _tag: "seasonal", season: "day-of-week" },
 *   measures: ["rows", "nulls"],
 * });
 * ```
 */
export const ofProfile = <C extends Contract.Contract>(
  contract: C,
  options: AnomalyOptions<C> = {},
): Stage.Stage<
  { readonly profile: Profile.Stored },
  AnomalyReport,
  {},
  AnomalyError,
  Artifact.ArtifactStore | Store.Store
> => {
  const { model = { _tag: "robust" }, severity = "warn", history = {} } = options;
  const wanted = options.measures ?? measures;
  const columns = options.columns ?? Object.keys(contract.spec.columns);
  const { owner } = contract.spec;
  const given = options.batches?.map(({ at, profile }) => ({ at: at.getTime(), profile }));
  return Stage.make(options.name ?? "anomalies", {
    description: `holds a batch under ${contract.name} against the batches before it`,
    input: { profile: Profile.Stored },
    output: AnomalyReport,
    params: {
      contract: contract.digest,
      model,
      measures: wanted,
      columns,
      severity,
      history: { ...history },
      batches: given?.map(({ at, profile }) => [at, Digest.ofJson(profile)]) ?? null,
    },
    // What is found in the store is read beside the inputs.
    fingerprint: ({ profile }) =>
      given === undefined
        ? Effect.map(batchesIn(contract, history, profile), (found) =>
            found.map(({ stored }) => stored.document.digest),
          )
        : Effect.succeed(null),
    run: Effect.fnUntraced(function* ({ profile: stored }, { exhibit, finding }) {
      const profile = yield* Profile.load(stored);
      const at = yield* instantOf(contract, profile);
      const batches: ReadonlyArray<Batch> = given ?? (yield* historyOf(contract, history, stored));
      const metrics = measured(profile, columns, wanted).map((measure): Metric => {
        const judged = Anomaly.judge(
          model,
          seriesOf(batches, measure),
          { at, value: measure.of(profile) },
          { noise: measure.noise(profile), range: measure.range },
        );
        const { name, column } = measure;
        return { name, ...(column === undefined ? {} : { column }), ...judged };
      });
      const shown = metrics.filter(({ name, outcome }) => outcome === "failed" || name === "rows");
      yield* exhibit(tableOf(metrics));
      for (const metric of shown.slice(0, mostFigures)) {
        const measure = measured(profile, columns, wanted).find(({ name }) => name === metric.name);
        if (measure === undefined) continue;
        const points = [...seriesOf(batches, measure), { at, value: measure.of(profile) }];
        yield* exhibit(figureOf(metric, points));
      }
      for (const metric of metrics) {
        if (metric.outcome === "passed") continue;
        const idle = metric.outcome === "could not run";
        yield* finding({
          check: `${metric.name}.history`,
          ...(metric.column === undefined ? {} : { column: metric.column }),
          severity: idle ? "info" : severity,
          owner,
          expected: expectedOf(metric),
          found: foundIn(metric),
          next: idle
            ? "Nothing to do: it is judged once there are enough batches."
            : `Ask ${owner} whether something changed at the source.`,
        });
      }
      const failed = metrics.filter(({ outcome }) => outcome === "failed");
      if (severity === "fail" && failed.length > 0) {
        return yield* new Anomalous({ contract: contract.name, owner, metrics: failed });
      }
      return { at, batches: batches.length, metrics };
    }),
  });
};

/** Figures drawn, beside that of the rows. */
const mostFigures = 9;

const expectedOf = ({ lower, upper, history }: Metric): string =>
  lower === null || upper === null
    ? "a value like those of earlier batches"
    : `${Words.number(lower)} to ${Words.number(upper)}, as in ${Words.counted(history, "earlier batch", "earlier batches")}`;

const foundIn = ({ why, value }: Metric): string =>
  why === undefined ? Words.number(value ?? NaN) : `could not run: ${why}`;

const tableOf = (metrics: ReadonlyArray<Metric>): Exhibit.Exhibit => ({
  _tag: "table",
  title: "Against earlier batches",
  columns: ["figure", "found", "lowest expected", "highest expected", "earlier batches", "outcome"],
  rows: metrics.map(({ name, value, lower, upper, history, outcome, why }) => [
    name,
    value,
    lower,
    upper,
    history,
    why === undefined ? outcome : `could not run: ${why}`,
  ]),
});

const figureOf = (
  { name, lower, upper }: Metric,
  points: ReadonlyArray<Anomaly.Point>,
): Exhibit.Exhibit => ({
  _tag: "line",
  title: `${name} by batch`,
  x: { label: "newest event of the batch", kind: "time" },
  y: { label: name },
  series: [
    {
      name,
      marks: points.length <= 60,
      points: points
        .filter(({ value }) => Number.isFinite(value))
        .toSorted((a, b) => a.at - b.at)
        .map(({ at, value }) => [at, value] as const),
    },
  ],
  rules: [
    ...(lower === null ? [] : [{ y: lower, label: "lowest expected" }]),
    ...(upper === null ? [] : [{ y: upper, label: "highest expected" }]),
  ],
});
