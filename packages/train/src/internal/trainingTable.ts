/** Tables of a feature set as the typed arrays that models are trained on. */
import type { Column as ContractColumn, Contract, Finding } from "@ml-pipe/core";
import { Duckdb, FeatureSet, Table, Transform, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/** The columns of a table that are numbers, its label not among them. */
export type NumberColumns<Out extends Contract.Contract> = {
  readonly [K in keyof Out["columns"] & string]: K extends "label"
    ? never
    : Out["columns"][K] extends ContractColumn.Column<number | null>
      ? K
      : never;
}[keyof Out["columns"] & string];

/** What a training stage may be told of its rows. */
export interface Weighted<Out extends Contract.Contract> {
  /** The column with the weight of each row, such as how many rows it stands for. Default: all weigh 1. */
  readonly weight?: NumberColumns<Out>;
}

/** The rows of a table with a label. */
export interface TrainingTable {
  readonly featureNames: ReadonlyArray<string>;
  readonly columns: ReadonlyArray<Float64Array>;
  readonly labels: Float64Array;
  readonly weights?: Float64Array;
  /** A number for the query of each row; rows are then in the order of their queries. */
  readonly queries?: Float64Array;
  /** Rows whose class is none of those asked for, which are left out. */
  readonly strange: number;
  /** Rows without a query, which are left out where rows are ranked within one. */
  readonly withoutQuery: number;
}

/** No column of a contract is called so. */
const queryNumber = '"query: its number"';

/** How a table is read. */
export interface ReadOptions {
  readonly transform: Transform.Fitted | undefined;
  /** Labels that are texts become their places in this list. */
  readonly classes: ReadonlyArray<string> | undefined;
  readonly weight?: string | undefined;
  /** Columns that are read without a transformation, in order. Default: the features of the set. */
  readonly features?: ReadonlyArray<string>;
  /** The column that says which rows are ranked against one another; rows without one are left out. */
  readonly query?: string | undefined;
}

/**
 * The classes of the labels of a training table in the order of their names, but for those of rows that weigh
 * nothing; undefined where labels are no texts.
 */
export const classesOf = Effect.fnUntraced(function* (
  set: FeatureSet.FeatureSet,
  train: Table.AnyTable,
  weight?: string,
) {
  if (FeatureSet.labelKind(set.spec) !== "text") return undefined;
  const db = yield* Duckdb.Duckdb;
  const weighs = weight === undefined ? "" : `AND ${Duckdb.identifier(weight)} <> 0`;
  const found = yield* db.rows(
    "list the classes",
    `SELECT DISTINCT label FROM ${yield* Table.relation(train)} WHERE label IS NOT NULL ${weighs} ORDER BY label`,
  );
  return found.map(({ label }) => String(label));
});

/** The label as a number: of a text its place among the classes, null if it is none of them. */
export const labelSql = (classes: ReadonlyArray<string> | undefined): string =>
  classes === undefined
    ? "label"
    : `(list_position([${classes.map(Duckdb.literal).join(", ")}], label) - 1)`;

/**
 * The features and labels of a table as typed arrays, as the transformation gives them to the model; rows
 * without a label are left out.
 */
export const readTable = Effect.fnUntraced(function* (
  set: FeatureSet.FeatureSet,
  table: Table.AnyTable,
  { transform, classes, weight, query, features }: ReadOptions,
) {
  const db = yield* Duckdb.Duckdb;
  const rows = yield* Table.relation(table, { rowNumbers: true });
  const label = labelSql(classes);
  const by = query === undefined ? undefined : Duckdb.identifier(query);
  const used =
    by === undefined ? `${label} IS NOT NULL` : `${label} IS NOT NULL AND ${by} IS NOT NULL`;
  const operation = `read the ${table.role} table`;
  const [count] = yield* db.rows(
    operation,
    `SELECT count(label)::DOUBLE AS given, count(${label})::DOUBLE AS known,
            (count(*) FILTER (${used}))::DOUBLE AS used FROM ${rows}`,
  );
  const [given, known, usable] = ["given", "known", "used"].map((name) =>
    Number(count?.[name] ?? 0),
  );
  const own = features ?? set.spec.features.map(({ name }) => name);
  const { group } = set.contract.spec;
  const { columns } = yield* db.numericColumns(operation, {
    from:
      by === undefined
        ? `(FROM ${rows} WHERE ${used})`
        : `(SELECT *, dense_rank() OVER (ORDER BY ${by}) AS ${queryNumber} FROM ${rows}
             WHERE ${used} ORDER BY ${by}, file_row_number)`,
    select: [
      ...(transform === undefined
        ? own.map(Duckdb.identifier)
        : Transform.selectSql(transform, table.role === "train" ? { group } : undefined)),
      ...(weight === undefined ? [] : [Duckdb.identifier(weight)]),
      ...(by === undefined ? [] : [queryNumber]),
      label,
    ],
    rows: usable!,
  });
  const labels = columns.at(-1) ?? new Float64Array();
  const featureNames = transform?.outputs.map(({ name }) => name) ?? own;
  const weights = weight === undefined ? undefined : columns[featureNames.length];
  const queries = by === undefined ? undefined : columns.at(-2);
  const read: TrainingTable = {
    featureNames,
    columns: columns.slice(0, featureNames.length),
    labels,
    ...(weights === undefined ? {} : { weights }),
    ...(queries === undefined ? {} : { queries }),
    strange: given! - known!,
    withoutQuery: known! - usable!,
  };
  return read;
});

/** Rows of classes that no training row has, which a model can never be right about. */
export const strangeFinding = (
  { spec }: Contract.Contract,
  { strange }: TrainingTable,
): ReadonlyArray<Finding.Finding> =>
  strange === 0
    ? []
    : [
        {
          check: "train.classes",
          severity: "warn",
          column: "label",
          owner: spec.owner,
          expected: "only classes that training rows have",
          found: `${Words.counted(strange, "validation row")} of other classes, which are left out`,
          rows: strange,
          next: "Split so that each part has all classes, or leave out rows of those that are too rare.",
        },
      ];
