/** The search for wrong labels: what out-of-fold probabilities contradict goes to people for review. */
import { type Artifact, Column, Contract, Digest, type Exhibit, Stage } from "@ml-pipe/core";
import {
  Classification,
  ConfidentLearning,
  Duckdb,
  type FeatureSet,
  OutOfFold,
  type StatisticsError,
  Table,
  Words,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { freeName } from "./internal/names.ts";

const { counted, number, percent } = Words;

/** The probabilities are of the rows of another table. */
export class OtherTable extends Schema.TaggedError<OtherTable>()("OtherTable", {
  expected: Digest.Digest,
  found: Digest.Digest,
}) {
  override get message(): string {
    return `the out-of-fold probabilities are of the table ${this.found.slice(0, 19)}, not of ${this.expected.slice(0, 19)}, so they say nothing of its labels. Wire the same training table to both stages.`;
  }
}

/** How {@link suspects} looks for wrong labels. */
export interface SuspectsOptions {
  /** Default `pruneByNoiseRate`, as in cleanlab. */
  readonly filter?: ConfidentLearning.IssueFilter;
  /** Name of the stage. Default `labels`. */
  readonly name?: string;
}

/** What the search hands on: together, every row of the table once. */
export interface Reviewed<Out extends Contract.Contract> {
  /** The rows whose label nothing speaks against, and those without a label, in their order. */
  readonly trusted: Table.Table<Out, "train">;
  /** The rows whose label is probably wrong, the least credible first: see {@link reviewOf}. */
  readonly review: Table.Table<Contract.Contract, "raw">;
}

/** What {@link suspects} can fail with. */
export type SuspectsError =
  | OtherTable
  | StatisticsError
  | Table.ReadError
  | Table.WriteError
  | Artifact.ArtifactStoreError;

/** The stage that {@link suspects} makes. */
export type SuspectsStage<Out extends Contract.Contract> = Stage.Stage<
  { readonly data: Table.Table<Out, "train">; readonly outOfFold: OutOfFold.OutOfFold<Out> },
  Stage.Ports<Reviewed<Out>>,
  {},
  SuspectsError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/**
 * The contract of the review queue: `row` in the training table from 0, the `given` and the `suggested`
 * label, a `score` from 0 (certainly wrong) to 1, the `reasons` as a JSON array of text, and then the
 * columns of the table, all nullable and without limits.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Labels } from "@ml-pipe/validate";
 *
 * const Trip = Contract.make("trip", { version: "1", owner: "fleet", columns: { km: Column.float() } });
 * const names = Object.keys(Labels.reviewOf(Trip).columns); // ["row", "given", "suggested", "score", "reasons", "km"]
 * ```
 */
export const reviewOf = (contract: Contract.Contract): Contract.Contract => {
  const { spec } = contract;
  const free = freeName(Object.keys(spec.columns));
  const own = {
    [free("row")]: Column.int({ description: "row number in the training table, from 0" }).spec,
    [free("given")]: Column.boolean({ description: "the label as it is" }).spec,
    [free("suggested")]: Column.boolean({ description: "the label that is more probable" }).spec,
    [free("score")]: Column.float({
      min: 0,
      max: 1,
      description: "how credible the given label is",
    }).spec,
    [free("reasons")]: Column.string({ description: "all reasons, as a JSON array of text" }).spec,
  };
  const columns = Object.entries(spec.columns).map(
    ([name, { min: _min, max: _max, values: _values, pattern: _pattern, ...column }]) =>
      [name, { ...column, nullable: true }] as const,
  );
  return Contract.fromSpec({
    name: `${spec.name}-review`,
    version: spec.version,
    owner: spec.owner,
    consumers: [],
    description: `rows of ${spec.name} whose label is probably wrong, and why`,
    columns: { ...own, ...Object.fromEntries(columns) },
  });
};

/**
 * A stage that finds labels which are probably wrong by confident learning, and sets their rows aside
 * for people to review. Nothing is relabelled and nothing is lost: `trusted` and `review` are all rows.
 *
 * It takes out-of-fold probabilities and nothing else, because a model that has seen a row agrees with
 * its label, right or wrong. Rows come out as suspect where two labels are hard to tell apart, too: look
 * at the first ones before you train on `trusted`.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Labels } from "@ml-pipe/validate";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Labels.suspects(set, { filter: "confidentLearning" });
 * ```
 */
export const suspects = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: SuspectsOptions = {},
): SuspectsStage<Out> => {
  const { filter = "pruneByNoiseRate", name = "labels" } = options;
  const into = reviewOf(set.contract);
  return Stage.make(name, {
    description: "sets rows aside whose label is probably wrong",
    input: { data: Table.of(set.contract, "train"), outOfFold: OutOfFold.of(set) },
    outputs: { trusted: Table.of(set.contract, "train"), review: Table.of(into, "raw") },
    params: { featureSet: set.digest, filter },
    run: Effect.fnUntraced(function* ({ data, outOfFold }, { exhibit, finding, progress }) {
      const expected = Table.digestOf(data);
      if (outOfFold.table !== expected) {
        return yield* new OtherTable({ expected, found: outOfFold.table });
      }
      const found = yield* OutOfFold.read(outOfFold);
      const given: ConfidentLearning.GivenLabels = {
        labels: found.label,
        probabilities: [found.scores.map((p) => 1 - p), found.scores],
      };
      const issues = yield* Effect.fromResult(ConfidentLearning.findIssues(given, filter));
      const joint = yield* Effect.fromResult(ConfidentLearning.confidentJoint(given));
      const thresholds = yield* Effect.fromResult(ConfidentLearning.thresholds(given));
      const quality = yield* Effect.fromResult(ConfidentLearning.quality(given));
      yield* progress({ label: "judged", rows: outOfFold.rows });

      const db = yield* Duckdb.Duckdb;
      const pick = (column: ArrayLike<number>) => Float64Array.from(issues, (row) => column[row]!);
      const marked = yield* db.fromColumns("set suspect labels aside", {
        row: pick(found.row),
        given: pick(found.label),
        score: pick(quality.normalizedMargin),
        probability: pick(found.scores),
      });
      const relation = yield* Table.relation(data, { rowNumbers: true });
      const review = yield* Table.write(into, "raw", {
        query: reviewSql(set.contract, into, relation, marked, thresholds),
      });
      const columns = Object.keys(set.contract.columns).map(Duckdb.identifier).join(", ");
      const trusted = yield* Table.write(set.contract, "train", {
        query: `SELECT ${columns} FROM ${relation} t ANTI JOIN ${marked} s ON t.file_row_number = s.row ORDER BY t.file_row_number`,
        split: data.split,
      });
      if (trusted.rows + review.rows !== data.rows) {
        return yield* Effect.die(
          new Error(`${trusted.rows} trusted and ${review.rows} suspect rows are not ${data.rows}`),
        );
      }
      const { owner } = set.contract.spec;
      const auc = Result.getOrElse(Classification.rocAuc(found.scores, found.label), () => 0.5);
      const byChance = aucByChance(found.label);
      if (auc <= byChance) {
        yield* finding({
          check: "labels.learned",
          severity: "warn",
          column: "label",
          owner,
          expected: `a model that tells the labels apart: a ROC AUC above ${number(byChance)}, which chance reaches`,
          found: `${number(auc)}: neither a label that is set aside nor one that is trusted was judged by more than chance`,
          rows: outOfFold.rows,
          next: "Use features or an estimator that tell the labels apart before anybody reviews these rows.",
        });
      }
      if (review.rows > 0) {
        yield* finding({
          check: "labels.credible",
          severity: "warn",
          column: "label",
          owner,
          expected: "labels that out-of-fold probabilities do not contradict",
          found: `${counted(review.rows, "row")} of ${counted(outOfFold.rows, "row")} (${percent(review.rows / outOfFold.rows)}) whose label is probably wrong`,
          rows: review.rows,
          sample: Array.from(issues.subarray(0, 5), (row) => found.row[row]!),
          next: `They are in ${yield* Table.pathOf(review)}, the least credible first. Have people judge them, and ask ${owner} where wrong labels come from.`,
        });
      }
      yield* exhibit(jointExhibit(joint, outOfFold));
      return { trusted, review };
    }, Effect.scoped),
  });
};

/**
 * What the ROC AUC of scores that say nothing of the labels stays below 19 times of 20, by the normal
 * approximation of Mann and Whitney (Ann. Math. Statist. 18, 1947).
 */
const aucByChance = (labels: Float64Array): number => {
  const positives = labels.reduce((sum, one) => sum + one, 0);
  const negatives = labels.length - positives;
  return 0.5 + 1.645 * Math.sqrt((labels.length + 1) / (12 * positives * negatives));
};

const reviewSql = (
  contract: Contract.Contract,
  into: Contract.Contract,
  rows: string,
  marked: string,
  thresholds: Float64Array,
): string => {
  const [row = "", given = "", suggested = "", score = "", reasons = ""] = Object.keys(into.columns)
    .slice(0, 5)
    .map(Duckdb.identifier);
  const own = Object.keys(contract.columns).map((name) => `t.${Duckdb.identifier(name)}`);
  const share = (sql: string) => `printf('%.3f', ${sql})`;
  const ofGiven = `if(s.given = 1, s.probability, 1 - s.probability)`;
  const usual = `if(s.given = 1, ${thresholds[1]}, ${thresholds[0]})`;
  const ofOther = `if(s.given = 1, ${thresholds[0]}, ${thresholds[1]})`;
  const label = (sql: string) => `if(${sql}, 'true', 'false')`;
  return `SELECT s.row::BIGINT AS ${row}, s.given = 1 AS ${given}, s.given <> 1 AS ${suggested}, s.score AS ${score},
      CAST(to_json(list_filter([
        'a model that was not trained on this row gives ' || ${label("s.given = 1")} || ' a probability of ' || ${share(ofGiven)} || ', where rows so labelled have ' || ${share(usual)} || ' on average',
        CASE WHEN 1 - ${ofGiven} >= ${ofOther} THEN 'it is as sure of ' || ${label("s.given <> 1")} || ' as for rows so labelled' END
      ], lambda reason : reason IS NOT NULL)) AS VARCHAR) AS ${reasons}, ${own.join(", ")}
    FROM ${marked} s JOIN ${rows} t ON t.file_row_number = s.row ORDER BY s.score, s.row`;
};

const jointExhibit = (
  joint: ReadonlyArray<ReadonlyArray<number>>,
  { folds, kind }: OutOfFold.AnyOutOfFold,
): Exhibit.Exhibit => ({
  _tag: "table",
  title: "Given and true labels",
  caption: `estimated by confident learning from ${folds.count} folds by ${folds.by}, ${kind}`,
  columns: ["given", "truly false", "truly true", "probably wrong"],
  rows: joint.map((row, k) => {
    const total = row.reduce((sum, one) => sum + one, 0);
    return [
      k === 1 ? "true" : "false",
      row[0] ?? 0,
      row[1] ?? 0,
      number((total - (row[k] ?? 0)) / Math.max(1, total)),
    ];
  }),
});
