/**
 * Folds: pairs of a train and a validation table for cross-validation. The rows are not copied: a fold's
 * tables name the file, the assignment of its rows, and which of them are theirs.
 */
import { Artifact, Contract, type Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError, literal } from "../Duckdb.ts";
import * as Table from "../Table.ts";

/** Any fold, as it is stored. */
const AnyFold = Schema.Struct({
  /** From 1. */
  fold: Schema.Int,
  folds: Schema.Int,
  train: Table.AnyTable,
  validation: Table.AnyTable,
});

/** One way to train on some rows and validate on others. Both tables have a split id of their own. */
export interface Fold<out C extends Contract.Contract = Contract.Contract> {
  /** From 1 to {@link folds}. */
  readonly fold: number;
  readonly folds: number;
  readonly train: Table.Table<C, "train">;
  readonly validation: Table.Table<C, "validation">;
}

/**
 * The schema of folds under a contract: what a stage names that trains on one, such as the stage that
 * `Stage.forEach` runs for each.
 *
 * @example
 * ```ts
 * import { type Contract, Stage } from "@ml-pipe/core";
 * import { Split } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const countOn = (contract: Contract.Contract) =>
 *   Stage.make("count", {
 *     input: { fold: Split.foldOf(contract) },
 *     output: Schema.Int,
 *     run: ({ fold }) => Effect.succeed(fold.train.rows),
 *   });
 * ```
 */
export const foldOf = <C extends Contract.Contract>(
  contract: C,
): Schema.Codec<Fold<C>, unknown> => {
  const isTrain = Schema.is(Table.of(contract, "train"));
  const isValidation = Schema.is(Table.of(contract, "validation"));
  const isThis = (fold: typeof AnyFold.Type): fold is Fold<C> =>
    isTrain(fold.train) &&
    isValidation(fold.validation) &&
    fold.train.split !== null &&
    fold.train.split === fold.validation.split;
  return AnyFold.pipe(
    Schema.refine(isThis, {
      title: `Fold<${contract.name}>`,
      expected: `a fold of rows under contract ${contract.name} ${contract.spec.version}, train and validation of one split`,
      ...Contract.annotationsOf(contract),
    }),
  );
};

/** The tables that folds can be made of. */
export type Whole<C extends Contract.Contract> =
  | Table.Table<C, "train">
  | Table.Table<C, "checked">;

/** The schema of {@link Whole}. */
export const wholeOf = <C extends Contract.Contract>(
  contract: C,
): Schema.Codec<Whole<C>, unknown> =>
  Schema.Union([Table.of(contract, "train"), Table.of(contract, "checked")]).annotate(
    Contract.annotationsOf(contract),
  );

/** A stage that makes folds of a table. */
export type FoldsStage<C extends Contract.Contract, E> = Stage.Stage<
  { readonly data: Whole<C> },
  ReadonlyArray<Fold<C>>,
  {},
  E | DuckdbError | Table.ReadError | Artifact.ArtifactStoreError,
  Duckdb | Artifact.ArtifactStore
>;

/** Rows of a file by part: the assignment, and how many rows each part has. */
export interface Assignment {
  readonly of: Exclude<Table.AnyTable["data"], { readonly _tag: "parts" }>;
  readonly assignment: Artifact.Artifact;
  readonly rows: ReadonlyMap<number, number>;
}

/**
 * Stores which part each row of a table's file is in. `assigned` is a query for `~row` and `~part`; rows
 * that it does not give are in none.
 */
export const storeAssignment = Effect.fnUntraced(function* (
  table: Table.AnyTable,
  assigned: string,
): Effect.fn.Return<
  Assignment,
  DuckdbError | Table.ReadError | Artifact.ArtifactStoreError,
  Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb;
  const store = yield* Artifact.ArtifactStore;
  const of = table.data._tag === "parts" ? table.data.of : table.data;
  const file = yield* Table.relation({ data: of }, { rowNumbers: true });
  const operation = "assign rows to folds";
  const assignment = yield* store.put("application/vnd.apache.parquet", (path) =>
    db.execute(
      operation,
      `COPY (SELECT CAST("~part" AS INTEGER) AS "~part" FROM ${file} AS f
          LEFT JOIN (${assigned}) AS a ON f.file_row_number = a."~row" ORDER BY f.file_row_number)
        TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    ),
  );
  const counted = yield* db.rows(
    operation,
    `SELECT "~part" AS part, CAST(count(*) AS DOUBLE) AS n
     FROM ${Table.parquet(yield* store.path(assignment))} WHERE "~part" IS NOT NULL GROUP BY "~part"`,
  );
  const rows = new Map(counted.map(({ part, n }) => [Number(part), Number(n)] as const));
  return { of, assignment, rows };
});

/** Some parts of an assignment as a table. */
export const tableOf = <C extends Contract.Contract, R extends "train" | "validation">(
  contract: C,
  role: R,
  { of, assignment, rows }: Assignment,
  { parts, split }: { readonly parts: ReadonlyArray<number>; readonly split: string },
): Table.Table<C, R> =>
  Table.make(contract, role, {
    rows: parts.reduce((sum, part) => sum + (rows.get(part) ?? 0), 0),
    data: { _tag: "parts", of, assignment, parts },
    split,
  });
