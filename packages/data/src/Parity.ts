/**
 * Parity: whether a service computed the features that a batch computes. Requests that were served are
 * computed again from the history, as of each decision, and compared feature by feature: what training
 * learns from and what serving decides on must be the same numbers.
 */
import { type Artifact, Column, Contract, Signal, Stage, Verdict } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError } from "./Duckdb.ts";
import { type FeatureSet, requestColumns } from "./FeatureSet.ts";
import { paritySql, servedName } from "./internal/paritySql.ts";
import * as Lookup from "./Lookup.ts";
import * as Table from "./Table.ts";
import { counted, number, percent, whole } from "./Words.ts";

export { servedName } from "./internal/paritySql.ts";

/** A difference that is expected, and why. */
export interface Accepted {
  /** Such as "outcomes reach the service up to five minutes late". */
  readonly cause: string;
  /** The share of the requests (0 to 1) that may differ for this cause. */
  readonly atMost: number;
}

/** How parity is judged. */
export interface ParityOptions<F extends string = string> {
  /**
   * How far the two may lie apart, relative to the larger one: sums of fractions round differently.
   * Default 1e-9.
   */
  readonly relativeTolerance?: number;
  /** Features that may differ, with the cause. Default: none. */
  readonly accept?: { readonly [feature in F]?: Accepted };
  /** How many of the requests that differ are shown. Default 20. */
  readonly shown?: number;
}

/** One feature, as it was served and as the batch computes it. */
export const FeatureParity = Schema.Struct({
  feature: Schema.String,
  /** Requests in which both have a value, or both have none. */
  equal: Schema.Int,
  /** Both have a value, and they differ. */
  mismatch: Schema.Int,
  /** Only the batch has a value. */
  missing: Schema.Int,
  /** Only the service has a value. */
  extra: Schema.Int,
  /** Sum of |served − batch| over sum of |served| + |batch|, where both have a value: 0 to 1. */
  smape: Schema.NullOr(Schema.Finite),
  /** Quantiles of served − batch where they differ. */
  error: Schema.NullOr(
    Schema.Struct({ min: Schema.Finite, median: Schema.Finite, max: Schema.Finite }),
  ),
  accepted: Schema.NullOr(Schema.Struct({ cause: Schema.String, atMost: Schema.Finite })),
});
/** See {@link FeatureParity}. */
export type FeatureParity = typeof FeatureParity.Type;

/** A request that differs. */
export const Difference = Schema.Struct({
  /** Number of the request in the table, from 0. */
  row: Schema.Int,
  /** When it was decided. */
  at: Schema.NullOr(Schema.String),
  feature: Schema.String,
  served: Schema.NullOr(Schema.Finite),
  batch: Schema.NullOr(Schema.Finite),
});

/** What a comparison found, and the gate's answer. */
export const ParityReport = Schema.Struct({
  featureSet: Schema.String,
  requests: Schema.Int,
  features: Schema.Array(FeatureParity),
  /** The first requests that differ. */
  differences: Schema.Array(Difference),
  evidence: Verdict.Evidence,
}).annotate({ title: "ParityReport" });
/** See {@link ParityReport}. */
export type ParityReport = typeof ParityReport.Type;

/**
 * Served features are not those of the batch. `value` is the largest share of requests in which one
 * feature differs beyond what is accepted; `at` is the last decision that was compared.
 */
export const SkewFound = Signal.make("SkewFound", {
  description:
    "a service computes other features than the batch; value: share of requests in which the worst one differs",
  payload: Schema.Struct({
    feature: Schema.String,
    requests: Schema.Int,
    mismatch: Schema.Int,
    missing: Schema.Int,
    extra: Schema.Int,
  }),
});

/** The features of a feature set, by name. */
type FeaturesOf<Out extends Contract.Contract> = Exclude<keyof Out["columns"] & string, "label">;

/**
 * The contract of requests as a service records them: the columns of a request, and each feature as it
 * was served, as `served_FEATURE`.
 *
 * @example
 * ```ts
 * import { type FeatureSet, Parity } from "@ml-pipe/data";
 *
 * const columnsOf = (set: FeatureSet.FeatureSet): ReadonlyArray<string> =>
 *   Object.keys(Parity.servedContract(set).columns);
 * ```
 */
export const servedContract = <Out extends Contract.Contract>({
  spec,
  contract,
}: FeatureSet<Contract.Contract, Out>): Contract.Contract<`${Out["name"]}-served`> => {
  // DuckDB does not tell upper and lower case apart in names.
  const asked = new Set(requestColumns(spec).map((name) => name.toLowerCase()));
  const taken = spec.features.filter(({ name }) => asked.has(servedName(name).toLowerCase()));
  if (taken.length > 0) {
    const names = taken.map(({ name }) => `"${servedName(name)}"`).join(", ");
    throw new TypeError(
      `parity of "${spec.name}": a request has a column ${names}, under which a feature would be recorded. Call the feature otherwise.`,
    );
  }
  const feature = Column.float({ nullable: true }).spec;
  const served = Contract.fromSpec({
    name: `${contract.name}-served`,
    version: spec.version,
    owner: spec.source.owner,
    consumers: [],
    ...(spec.decidedAt === undefined ? {} : { eventTime: spec.decidedAt }),
    columns: {
      ...Object.fromEntries(
        requestColumns(spec).flatMap((name) => {
          const column = spec.source.columns[name];
          return column === undefined ? [] : [[name, column] as const];
        }),
      ),
      ...Object.fromEntries(spec.features.map(({ name }) => [servedName(name), feature])),
    },
  });
  // Its name was put together from the same parts as the type.
  return served as Contract.Contract<`${Out["name"]}-served`>;
};

/**
 * A stage that computes the features of served requests again, from `history` and the tables of lookups
 * as they were known at each decision, and compares. The evidence passes if no feature differs beyond what is accepted; it is
 * inconclusive without a request, or if a feature never had a value on either side.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { type FeatureSet, Parity } from "@ml-pipe/data";
 *
 * const stageFor = <C extends Contract.Contract, Out extends Contract.Contract>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Parity.stage(set, { relativeTolerance: 1e-6 });
 * ```
 */
export const stage = <
  C extends Contract.Contract,
  Out extends Contract.Contract,
  Ls extends Lookup.Lookups = {},
>(
  set: FeatureSet<C, Out, Ls>,
  options: ParityOptions<FeaturesOf<Out>> = {},
): Stage.Stage<
  {
    readonly served: Table.Table<Contract.Contract<`${Out["name"]}-served`>, "checked">;
    readonly history: Table.Table<C, "checked">;
  } & Lookup.Tables<Ls>,
  ParityReport,
  { readonly skew: typeof SkewFound.payload.Type },
  DuckdbError | Table.ReadError,
  Duckdb | Artifact.ArtifactStore
> => {
  const { relativeTolerance = 1e-9, shown = 20 } = options;
  const accept: { readonly [feature: string]: Accepted | undefined } = options.accept ?? {};
  const contract = servedContract(set);
  const names = set.spec.features.map(({ name }) => name);
  requireOptions(names, { relativeTolerance, accept });
  return Stage.make("parity", {
    description: `compares ${names.length} served features with those of the batch`,
    input: {
      served: Table.of(contract, "checked"),
      history: Table.of(set.source, "checked"),
      ...Lookup.inputs(set.lookups),
    },
    output: ParityReport,
    signals: { skew: SkewFound },
    params: { featureSet: set.digest, relativeTolerance, shown, accept: JSON.stringify(accept) },
    run: Effect.fnUntraced(function* (
      { served, history, ...tables },
      { emit, exhibit, finding, progress },
    ) {
      const db = yield* Duckdb;
      const sql = paritySql(set.spec, {
        served: Table.parquet(yield* Table.pathOf(served), { rowNumbers: true }),
        history: Table.parquet(yield* Table.pathOf(history), { rowNumbers: true }),
        lookups: yield* Lookup.relations(set.spec, tables),
        relativeTolerance,
      });
      const rows = yield* db.rows("compare served features", sql.features);
      const features = rows.map((row): FeatureParity => {
        const feature = String(row["feature"]);
        const count = (name: string) => Number(row[name] ?? 0);
        return {
          feature,
          equal: served.rows - count("mismatch") - count("missing") - count("extra"),
          mismatch: count("mismatch"),
          missing: count("missing"),
          extra: count("extra"),
          smape: numberOf(row["smape"]),
          error:
            count("mismatch") === 0
              ? null
              : { min: count("low"), median: count("middle"), max: count("high") },
          accepted: accept[feature] ?? null,
        };
      });
      const never = rows
        .filter((row) => Number(row["known"]) === 0)
        .map((row) => String(row["feature"]));
      const found = yield* db.rows("show what differs", sql.differences(shown));
      const differences = found.map((row) => ({
        row: Number(row["row"]),
        at: row["at"] === null ? null : String(row["at"]),
        feature: String(row["feature"]),
        served: numberOf(row["served"]),
        batch: numberOf(row["batch"]),
      }));
      const evidence = judge(served.rows, features, never);
      yield* progress({ label: "requests", rows: served.rows });
      yield* exhibit({
        _tag: "table",
        title: "Parity",
        caption: `${counted(served.rows, "request")}, equal within ${relativeTolerance} of the larger value`,
        columns: ["feature", "equal", "mismatch", "missing", "extra", "SMAPE", "accepted"],
        rows: features.map((one) => [
          one.feature,
          one.equal,
          one.mismatch,
          one.missing,
          one.extra,
          one.smape,
          one.accepted === null ? null : `${percent(one.accepted.atMost)}: ${one.accepted.cause}`,
        ]),
      });
      if (differences.length > 0) {
        yield* exhibit({
          _tag: "table",
          title: "Requests that differ",
          caption: `the first ${differences.length}`,
          columns: ["request", "decided at", "feature", "served", "batch"],
          rows: differences.map((one) => [one.row, one.at, one.feature, one.served, one.batch]),
        });
      }
      for (const one of features.filter((each) => excess(each, served.rows) > 0)) {
        yield* finding({
          check: `parity.${one.feature}`,
          severity: "fail",
          owner: set.spec.source.owner,
          expected: `the served values of the batch${one.accepted === null ? "" : ` but for ${percent(one.accepted.atMost)}`}`,
          found: wordsOf(one),
          rows: differing(one),
          next: "Look at the requests that differ: a state that is too old, an input that was filled in, or late data.",
        });
      }
      const worst = features.toSorted((a, b) => excess(b, served.rows) - excess(a, served.rows))[0];
      const [latest] = yield* db.rows("find the last decision", sql.latest);
      const at = numberOf(latest?.["at"]);
      if (worst !== undefined && at !== null) {
        const { feature, mismatch, missing, extra } = worst;
        yield* emit("skew", {
          at: new Date(at),
          value: excess(worst, served.rows),
          payload: { feature, requests: served.rows, mismatch, missing, extra },
        });
      }
      return { featureSet: set.spec.name, requests: served.rows, features, differences, evidence };
    }),
  });
};

/** Served features differ from the batch's, or nothing could be compared. Says which, and what next. */
export class SkewStops extends Schema.TaggedError<SkewStops>()("SkewStops", {
  featureSet: Schema.String,
  evidence: Verdict.Evidence,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { outcome, expected, found, next } = this.evidence;
    return `parity of "${this.featureSet}" ${outcome}: expected ${expected}, found ${found}. ${next}`;
  }
}

/**
 * The gate behind {@link stage}: hands a report on whose evidence passed, and stops the run at any other
 * ({@link SkewStops}).
 *
 * @example
 * ```ts
 * import { Parity } from "@ml-pipe/data";
 * import type { Ref } from "@ml-pipe/core";
 *
 * // inside Pipeline.make:
 * const open = (report: Ref.Ref<Parity.ParityReport, never, never>) => Parity.gate({ report });
 * ```
 */
export const gate = Stage.make("parity-gate", {
  description: "lets only served features through that are those of the batch",
  input: { report: ParityReport },
  output: ParityReport,
  run: ({ report }) =>
    report.evidence.outcome === "passed"
      ? Effect.succeed(report)
      : Effect.fail(new SkewStops({ featureSet: report.featureSet, evidence: report.evidence })),
});

const numberOf = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

const requireOptions = (
  names: ReadonlyArray<string>,
  options: {
    readonly relativeTolerance: number;
    readonly accept: { readonly [feature: string]: Accepted | undefined };
  },
): void => {
  const { relativeTolerance, accept } = options;
  const problems = [
    ...(relativeTolerance >= 0 && relativeTolerance < 1
      ? []
      : [`the tolerance is a share from 0 to below 1, not ${relativeTolerance}`]),
    ...Object.entries(accept).flatMap(([feature, accepted]) => [
      ...(names.includes(feature) ? [] : [`there is no feature "${feature}" to accept`]),
      ...(accepted === undefined || accepted.cause.trim() !== ""
        ? []
        : [`"${feature}" is accepted without a cause`]),
      ...(accepted === undefined || (accepted.atMost >= 0 && accepted.atMost <= 1)
        ? []
        : [`"${feature}": atMost is a share from 0 to 1, not ${accepted.atMost}`]),
    ]),
  ];
  if (problems.length > 0) throw new TypeError(`parity: ${problems.join("; ")}`);
};

const differing = ({ mismatch, missing, extra }: FeatureParity): number =>
  mismatch + missing + extra;

/** The share of requests that differ beyond what is accepted: 0 if all of it is. */
const excess = (feature: FeatureParity, requests: number): number => {
  const share = requests === 0 ? 0 : differing(feature) / requests;
  return share > (feature.accepted?.atMost ?? 0) ? share : 0;
};

const wordsOf = (one: FeatureParity): string =>
  `${whole(one.mismatch)} other values, ${whole(one.missing)} only in the batch, ${whole(one.extra)} only in the service${one.error === null ? "" : `; off by ${number(one.error.min)} to ${number(one.error.max)}`}`;

/** Answers the gate. */
const judge = (
  requests: number,
  features: ReadonlyArray<FeatureParity>,
  never: ReadonlyArray<string>,
): Verdict.Evidence => {
  const skewed = features.filter((feature) => excess(feature, requests) > 0);
  const gate = "parity";
  const expected = "every served feature equal to the batch's, but for accepted causes";
  if (skewed.length > 0) {
    const found = skewed.map((one) => `${one.feature}: ${wordsOf(one)}`).join("; ");
    return {
      gate,
      outcome: "failed",
      expected,
      found,
      next: "Find the cause before the release decides on other numbers than it learned from.",
    };
  }
  if (requests === 0 || never.length > 0) {
    const found =
      requests === 0
        ? "no request to compare"
        : `no value on either side for ${never.map((name) => `"${name}"`).join(", ")}`;
    return {
      gate,
      outcome: "inconclusive",
      expected,
      found,
      next: "Record more requests, of more entities.",
    };
  }
  return {
    gate,
    outcome: "passed",
    expected,
    found: `${counted(requests, "request")}, all equal`,
    next: "",
  };
};
