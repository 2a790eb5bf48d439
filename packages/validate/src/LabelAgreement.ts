/** Several people's labels: whether they agree, who is reliable, and one label per item. */
import { type Artifact, Column, Contract, Stage } from "@ml-pipe/core";
import { Agreement, Consensus, Duckdb, Table, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import {
  agreementFindings,
  AgreementReport,
  annotatorExhibit,
  pairExhibit,
  readFindings,
  summary,
} from "./internal/labels/agreementTold.ts";
import { type NoRatings, readRatings } from "./internal/labels/ratings.ts";

export { AgreementReport } from "./internal/labels/agreementTold.ts";
export { NoRatings } from "./internal/labels/ratings.ts";

/** The annotators agree less than was asked for. */
export class AnnotatorsDisagree extends Schema.TaggedError<AnnotatorsDisagree>()(
  "AnnotatorsDisagree",
  {
    contract: Schema.String,
    alpha: Schema.NullOr(Schema.Finite),
    atLeast: Schema.Finite,
    why: Schema.String,
  },
) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const found = this.alpha === null ? this.why : `it is ${Words.number(this.alpha)}`;
    return `the labels under ${this.contract} are not agreed on: Krippendorff's alpha of at least ${Words.number(this.atLeast)} is asked for, and ${found}. Make the instructions clearer where annotators differ (see the pairs and the confusion), then annotate those items again.`;
  }
}

/** How {@link agreement} reads a long table of ratings. */
export interface AgreementOptions<C extends Contract.Contract> {
  readonly item: keyof C["columns"] & string;
  readonly annotator: keyof C["columns"] & string;
  /** Default: the contract's label. */
  readonly label?: keyof C["columns"] & string;
  /** What the classes are; default `nominal`. `interval` and `ratio` need a number column. */
  readonly measurement?: Agreement.Measurement;
  /** The classes in their order, as text, where `ordinal`; default: as they sort. */
  readonly order?: ReadonlyArray<string>;
  /** How one label is found; default `dawid-skene`. `majority` is better for few ratings an annotator. */
  readonly consensus?: "dawid-skene" | "majority";
  /** Krippendorff's alpha below which the stage fails; default: none. */
  readonly atLeast?: number;
  /** Decides which items the intervals draw; default 0. */
  readonly seed?: number;
}

/** What the stage hands on. */
export interface Agreed {
  /** One row per item: see {@link consensusOf}. */
  readonly consensus: Table.Table<Contract.Contract, "raw">;
  /** One row per annotator: ratings, accuracy by Dawid and Skene, and how often they agree with the others. */
  readonly annotators: Table.Table<Contract.Contract, "raw">;
  readonly agreement: AgreementReport;
}

/** What {@link agreement} can fail with. */
export type AgreementError = NoRatings | AnnotatorsDisagree | Table.ReadError | Table.WriteError;

/** The contract of the consensus: the item, its label, how sure that is, whether it is tied, how many rated it. */
export const consensusOf = <C extends Contract.Contract>(
  contract: C,
  options: Pick<AgreementOptions<C>, "item" | "label">,
): Contract.Contract => {
  const { spec } = contract;
  const label = labelOf(contract, options.label);
  return Contract.fromSpec({
    name: `${spec.name}-consensus`,
    version: spec.version,
    owner: spec.owner,
    consumers: [],
    description: "one label per item, from all annotators",
    columns: {
      [options.item]: { ...columnOf(contract, options.item), nullable: false },
      [label]: { ...columnOf(contract, label), nullable: false, availableAt: "outcome" },
      confidence: Column.float({ min: 0, max: 1 }).spec,
      tied: Column.boolean({ description: "another label is as good" }).spec,
      ratings: Column.int({ min: 1 }).spec,
    },
    key: [options.item],
    label,
  });
};

const annotatorsOf = (contract: Contract.Contract, annotator: string): Contract.Contract =>
  Contract.fromSpec({
    name: `${contract.name}-annotators`,
    version: contract.spec.version,
    owner: contract.spec.owner,
    consumers: [],
    columns: {
      [annotator]: { ...columnOf(contract, annotator), nullable: false },
      ratings: Column.int({ min: 1 }).spec,
      accuracy: Column.float({ min: 0, max: 1 }).spec,
      agreesWithOthers: Column.float({ min: 0, max: 1, nullable: true }).spec,
    },
    key: [annotator],
  });

const labelOf = (contract: Contract.Contract, label: string | undefined): string => {
  const found = label ?? contract.spec.label;
  if (found === undefined) {
    throw new TypeError(`labels: "${contract.name}" has no label: name the column`);
  }
  return found;
};

const columnOf = ({ name, spec }: Contract.Contract, column: string): Column.ColumnSpec => {
  const found = spec.columns[column];
  if (found === undefined) throw new TypeError(`labels: "${name}" has no column "${column}"`);
  return found;
};

/**
 * A stage that reads what several annotators said, one row each, and tells whether they agree
 * (Krippendorff's alpha with an interval, and every pair's kappa), how good each of them is, and one
 * label per item. Below 0.8 it warns; below `atLeast` it fails.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Labels } from "@ml-pipe/validate";
 *
 * const Rating = Contract.make("rating", {
 *   version: "1", owner: "annotation", label: "verdict",
 *   columns: {
 *     mail: Column.int(), who: Column.string(), verdict: Column.string({ availableAt: "outcome" }),
 *   },
 * });
 * const stage = Labels.agreement(Rating, { item: "mail", annotator: "who", atLeast: 0.667 });
 * ```
 */
export const agreement = <C extends Contract.Contract>(
  contract: C,
  options: AgreementOptions<C>,
): Stage.Stage<
  { readonly ratings: Table.Table<C, "checked"> },
  Stage.Ports<Agreed>,
  {},
  AgreementError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> => {
  const { item, annotator, measurement = "nominal", consensus = "dawid-skene", seed = 0 } = options;
  const label = labelOf(contract, options.label);
  const { type } = columnOf(contract, label);
  const numeric = measurement === "interval" || measurement === "ratio";
  if (numeric && type !== "int" && type !== "float") {
    throw new TypeError(`labels: "${label}" is a ${type}, and ${measurement} needs numbers`);
  }
  const into = consensusOf(contract, options);
  const about = annotatorsOf(contract, annotator);
  return Stage.make("agreement", {
    description: "tells whether annotators agree, and finds one label per item",
    input: { ratings: Table.of(contract, "checked") },
    outputs: {
      consensus: Table.of(into, "raw"),
      annotators: Table.of(about, "raw"),
      agreement: AgreementReport,
    },
    params: {
      item,
      annotator,
      label,
      measurement,
      order: options.order ?? null,
      consensus,
      atLeast: options.atLeast ?? null,
      seed,
    },
    run: Effect.fnUntraced(function* ({ ratings: table }, { exhibit, finding, progress }) {
      const read = yield* readRatings(table, { item, annotator, label, order: options.order });
      const { ratings, classes, names, relation } = read;
      const { owner } = contract.spec;
      for (const one of readFindings(read, { item, annotator, label, owner, rows: table.rows })) {
        yield* finding(one);
      }
      yield* progress({ label: "ratings", rows: ratings.item.length });

      const values = numeric ? { values: classes.map(Number) } : {};
      const resamples = resamplesFor(ratings.item.length);
      const alpha = Agreement.krippendorffAlpha(ratings, {
        measurement,
        seed,
        resamples,
        ...values,
      });
      const of = yield* Effect.orDie(Effect.fromResult(Consensus.dawidSkene(ratings)));
      const chosen =
        consensus === "majority"
          ? yield* Effect.orDie(Effect.fromResult(Consensus.majority(ratings)))
          : of.consensus;
      const pairs = Result.getOrElse(Agreement.pairwise(ratings), () => []);
      const report: AgreementReport = {
        items: chosen.item.length,
        annotators: of.annotators.length,
        ratings: ratings.item.length,
        classes,
        overlapping: chosen.ratings.reduce((sum, n) => sum + Number(n > 1), 0),
        alpha: Result.isSuccess(alpha) ? alpha.success.estimate : null,
        interval: Result.isSuccess(alpha) ? alpha.success.interval : null,
        measurement,
        tied: chosen.tied.reduce((sum, one) => sum + one, 0),
      };
      const why = Result.isFailure(alpha) ? alpha.failure.message : "";
      yield* Effect.forEach(agreementFindings(report, why, owner), finding);
      yield* exhibit(summary(report));
      yield* exhibit(annotatorExhibit(of.annotators, names));
      if (pairs.length > 0) yield* exhibit(pairExhibit(pairs, names));
      if (options.atLeast !== undefined && !((report.alpha ?? -Infinity) >= options.atLeast)) {
        const { atLeast } = options;
        return yield* new AnnotatorsDisagree({
          contract: contract.name,
          alpha: report.alpha,
          atLeast,
          why,
        });
      }

      const db = yield* Duckdb.Duckdb;
      const operation = "write the consensus";
      const found = yield* db.fromColumns(operation, {
        item: chosen.item,
        class: Float64Array.from(chosen.label),
        confidence: chosen.confidence,
        tied: Float64Array.from(chosen.tied),
        ratings: Float64Array.from(chosen.ratings),
      });
      const [itemName, labelName, annotatorName] = [item, label, annotator].map(Duckdb.identifier);
      const distinct = (column: string, name: string) =>
        `(SELECT DISTINCT "~${column}", ${name} FROM ${relation})`;
      const agreed = yield* Table.write(into, "raw", {
        query: `SELECT i.${itemName}, l.${labelName}, f.confidence, f.tied = 1 AS tied, f.ratings::BIGINT AS ratings
          FROM ${found} f JOIN ${distinct("item", itemName ?? "")} i ON i."~item" = f.item
          JOIN ${distinct("label", labelName ?? "")} l ON l."~label" = f.class ORDER BY f.item`,
      });
      const quality = yield* db.fromColumns(operation, {
        who: Float64Array.from(of.annotators, (one) => one.annotator),
        ratings: Float64Array.from(of.annotators, (one) => one.ratings),
        accuracy: Float64Array.from(of.annotators, (one) => one.accuracy),
        agrees: Float64Array.from(of.annotators, (one) => one.agreesWithOthers ?? NaN),
      });
      const annotators = yield* Table.write(about, "raw", {
        query: `SELECT a.${annotatorName}, q.ratings::BIGINT AS ratings, q.accuracy, q.agrees AS "agreesWithOthers"
          FROM ${quality} q JOIN ${distinct("annotator", annotatorName ?? "")} a ON a."~annotator" = q.who ORDER BY q.who`,
      });
      return { consensus: agreed, annotators, agreement: report };
    }, Effect.scoped),
  });
};

/** A thousand, fewer where that many passes over the ratings would take more than a second or two. */
const resamplesFor = (ratings: number): number =>
  Math.min(1000, Math.max(100, Math.floor(1e8 / ratings)));
