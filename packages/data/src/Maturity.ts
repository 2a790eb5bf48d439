/**
 * Label maturity: an outcome takes time, and a label that is there before it can be known is a guess,
 * mostly that nothing happened. Such a label counts as none, for training, judging and watching alike.
 */
import { type Artifact, type Charter, type Contract, type Finding, Stage } from "@ml-pipe/core";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, identifier } from "./Duckdb.ts";
import type { FeatureSet } from "./FeatureSet.ts";
import { instantOf } from "./split/time.ts";
import * as Table from "./Table.ts";
import { counted, percent } from "./Words.ts";

/** No row of the table has a label that can be known. */
export class NothingMature extends Schema.TaggedError<NothingMature>()("NothingMature", {
  rows: Schema.Int,
  premature: Schema.Int,
  asOf: Schema.DateFromString,
  by: Schema.DateFromString,
}) {
  override get message(): string {
    const { rows, premature, asOf, by } = this;
    return `none of the ${counted(rows, "row")} has an outcome that can be known on ${minute(asOf)}: ${counted(premature, "label")} ${premature === 1 ? "is" : "are"} of decisions after ${minute(by)}, and the others are missing. Use older rows, or wait.`;
  }
}

/** When {@link stage} takes an outcome to be known. */
export interface MaturityOptions {
  /** Says how long after the decision the outcome is known: `decision.outcomeKnownAfter`. */
  readonly charter: Charter.Charter;
  /**
   * When the data were taken: a `Date`, or ISO 8601 text, a date meaning midnight UTC. State it for data
   * of the past. Default: when the stage runs.
   */
  readonly asOf?: Date | string;
}

/** What {@link stage} can fail with. */
export type MaturityError = NothingMature | Table.ReadError | Table.WriteError;

/** The stage that {@link stage} makes. */
export type MaturityStage<Out extends Contract.Contract> = Stage.Stage<
  { readonly data: Table.Table<Out, "checked"> },
  Table.Table<Out, "checked">,
  {},
  MaturityError,
  Duckdb | Artifact.ArtifactStore
>;

/**
 * The last decision, in epoch milliseconds, whose outcome is known at an instant.
 *
 * @example
 * ```ts
 * import type { Charter } from "@ml-pipe/core";
 * import { Maturity } from "@ml-pipe/data";
 *
 * const last = (charter: Charter.Charter): number => Maturity.outcomesBy(charter, Date.UTC(2001, 5, 1));
 * ```
 */
export const outcomesBy = (charter: Pick<Charter.Charter, "spec">, asOf: number): number =>
  asOf - charter.spec.decision.outcomeKnownAfterMs;

/**
 * A stage that takes the label away from rows whose outcome cannot be known yet, and says how many there
 * are: of decisions less than the charter's `outcomeKnownAfter` before `asOf`, and, where the feature set
 * keeps the contract's `knownAt` column, of rows that could not be read by then. Put it between the
 * features and the split. No row is lost: without a label it is not trained on and not judged by, and can
 * be watched.
 *
 * Throws a `TypeError` where nothing tells how old a row is: no `decidedAt`, and no `knownAt` column kept.
 *
 * @example
 * ```ts
 * import type { Charter, Contract } from "@ml-pipe/core";
 * import { type FeatureSet, Maturity } from "@ml-pipe/data";
 *
 * const stageFor = <C extends Contract.Contract, Out extends Contract.Contract>(
 *   set: FeatureSet.FeatureSet<C, Out>, charter: Charter.Charter,
 * ) => Maturity.stage(set, { charter, asOf: "2001-07-01" });
 * ```
 */
export const stage = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet<C, Out>,
  options: MaturityOptions,
): MaturityStage<Out> => {
  const { charter } = options;
  const asOf =
    options.asOf === undefined
      ? undefined
      : instantOf(
          options.asOf instanceof Date ? options.asOf.toISOString() : options.asOf,
          "maturity",
        );
  const { decidedAt } = set.spec;
  const declared = set.spec.source.knownAt;
  const knownAt = declared !== undefined && declared in set.contract.columns ? declared : undefined;
  if (decidedAt === undefined && knownAt === undefined) {
    throw new TypeError(
      `maturity: nothing tells how old a row of "${set.spec.name}" is: give it a decidedAt, or keep the knownAt column of its contract`,
    );
  }
  const afterMs = charter.spec.decision.outcomeKnownAfterMs;
  const matureAt = (now: number): string => {
    const by = (column: string, at: number) =>
      `CAST(${identifier(column)} AS TIMESTAMP) <= epoch_ms(${Math.floor(at)})`;
    return [
      ...(decidedAt === undefined ? [] : [by(decidedAt, outcomesBy(charter, now))]),
      ...(knownAt === undefined ? [] : [by(knownAt, now)]),
    ].join(" AND ");
  };
  const countsAt = Effect.fnUntraced(function* (data: Table.AnyTable, now: number) {
    const db = yield* Duckdb;
    const [row] = yield* db.rows(
      "count the labels that can be known",
      `SELECT count(label)::DOUBLE AS given, count(label) FILTER (WHERE ${matureAt(now)})::DOUBLE AS known
       FROM ${yield* Table.relation(data)}`,
    );
    const [given, known] = [Number(row?.["given"] ?? 0), Number(row?.["known"] ?? 0)];
    return { known, premature: given - known, unlabelled: data.rows - given };
  });
  return Stage.make("mature", {
    description: "takes away labels whose outcome cannot be known yet",
    input: { data: Table.of(set.contract, "checked") },
    output: Table.of(set.contract, "checked"),
    params: {
      featureSet: set.digest,
      afterMs,
      asOf: asOf === undefined ? null : new Date(asOf).toISOString(),
    },
    charter,
    // With time, labels only ripen: how many have says which.
    fingerprint: Effect.fnUntraced(function* ({ data }) {
      return asOf === undefined ? yield* countsAt(data, yield* Clock.currentTimeMillis) : null;
    }),
    run: Effect.fnUntraced(function* ({ data }, { exhibit, finding, progress }) {
      const now = asOf ?? (yield* Clock.currentTimeMillis);
      const { known, premature, unlabelled } = yield* countsAt(data, now);
      const by = new Date(outcomesBy(charter, now));
      if (known === 0) {
        return yield* new NothingMature({ rows: data.rows, premature, asOf: new Date(now), by });
      }
      const rows = yield* Table.relation(data, { rowNumbers: true });
      const columns = Object.keys(set.contract.columns).map((name) =>
        name === "label" ? `CASE WHEN ${matureAt(now)} THEN label END AS label` : identifier(name),
      );
      const table = yield* Table.write(set.contract, "checked", {
        query: `SELECT ${columns.join(", ")} FROM ${rows} ORDER BY file_row_number`,
      });
      const { owner } = set.contract.spec;
      if (premature > 0)
        yield* finding(prematureFinding("label.mature", { premature, known, by, owner }));
      yield* exhibit({
        _tag: "table",
        title: "Label maturity",
        caption: `as of ${minute(new Date(now))}: outcomes of decisions up to ${minute(by)} can be known`,
        columns: ["rows", "count", "share"],
        rows: [
          ["with a label that can be known", known, percent(known / data.rows)],
          ["with a premature label, now without", premature, percent(premature / data.rows)],
          ["without a label", unlabelled, percent(unlabelled / data.rows)],
        ],
      });
      yield* progress({ label: "rows", rows: table.rows });
      return table;
    }),
  });
};

/** The finding that some labels are premature. */
export const prematureFinding = (
  check: string,
  {
    premature,
    known,
    by,
    owner,
  }: {
    readonly premature: number;
    readonly known: number;
    readonly by: Date;
    readonly owner: string;
  },
): Finding.Finding => ({
  check,
  severity: premature > 0.01 * (premature + known) ? "warn" : "info",
  column: "label",
  owner,
  expected: `no label of a decision after ${minute(by)}, whose outcome cannot be known yet`,
  found: `${counted(premature, "label")} (${percent(premature / (premature + known))}), which count as missing`,
  rows: premature,
  next: `Ask ${owner} what they stand for: often "nothing happened yet".`,
});

/** A minute in UTC. */
const minute = (at: Date): string => `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
