/** Reads a long table of ratings as numbers. */
import type { Artifact } from "@ml-pipe/core";
import { type Agreement, Duckdb, Table, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** No row says what anybody thinks of any item. */
export class NoRatings extends Schema.TaggedError<NoRatings>()("NoRatings", {
  contract: Schema.String,
  rows: Schema.Int,
  columns: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return `none of the ${Words.counted(this.rows, "row")} under ${this.contract} has all of ${this.columns.join(", ")}, so there is nothing to agree on. Look for the export or the join that lost them.`;
  }
}

/** Ratings as numbers, and what the numbers stand for. */
export interface Read {
  readonly ratings: Agreement.Ratings;
  /** The classes as text, in the order of their numbers. */
  readonly classes: ReadonlyArray<string>;
  /** The annotators as text, in the order of their numbers. */
  readonly names: ReadonlyArray<string>;
  /** The ratings in SQL with `~item`, `~annotator` and `~label` from 0. */
  readonly relation: string;
  /** Ratings that the annotator took back by a later one of the same item. */
  readonly repeated: number;
}

/**
 * The complete rows of a long table, of each annotator the last one for an item: whoever agrees with
 * themselves is no second annotator. With items, annotators and classes numbered in their order.
 */
export const readRatings = Effect.fnUntraced(function* (
  table: Table.AnyTable,
  columns: {
    readonly item: string;
    readonly annotator: string;
    readonly label: string;
    readonly order: ReadonlyArray<string> | undefined;
  },
): Effect.fn.Return<
  Read,
  NoRatings | Duckdb.DuckdbError | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb.Duckdb;
  const { order } = columns;
  const [item, annotator, label] = [columns.item, columns.annotator, columns.label].map(
    Duckdb.identifier,
  );
  const complete = `(FROM ${yield* Table.relation(table, { rowNumbers: true })} WHERE ${item} IS NOT NULL AND ${annotator} IS NOT NULL AND ${label} IS NOT NULL)`;
  const last = `(SELECT * EXCLUDE (file_row_number) FROM ${complete}
    QUALIFY row_number() OVER (PARTITION BY ${item}, ${annotator} ORDER BY file_row_number DESC) = 1)`;
  // Classes that were not foreseen come last, in their own order.
  const place =
    order === undefined
      ? label
      : `coalesce(list_position([${order.map(Duckdb.literal).join(", ")}], CAST(${label} AS VARCHAR)), ${order.length + 1}), ${label}`;
  const rank = (by: string) => `dense_rank() OVER (ORDER BY ${by}) - 1`;
  const relation = `(SELECT *, ${rank(item ?? "")} AS "~item", ${rank(annotator ?? "")} AS "~annotator", ${rank(place ?? "")} AS "~label" FROM ${last})`;
  const operation = "read the ratings";
  const [counted] = yield* db.rows(
    operation,
    `SELECT count(*)::DOUBLE AS complete, count(DISTINCT (${item}, ${annotator}))::DOUBLE AS rows FROM ${complete}`,
  );
  const rows = Number(counted?.["rows"] ?? 0);
  if (rows === 0) {
    return yield* new NoRatings({
      contract: table.contract.name,
      rows: table.rows,
      columns: [columns.item, columns.annotator, columns.label],
    });
  }
  const textOf = (column: string, name: string) =>
    db
      .rows(
        operation,
        `SELECT DISTINCT "~${column}" AS n, CAST(${name} AS VARCHAR) AS text FROM ${relation} ORDER BY n`,
      )
      .pipe(Effect.map((found) => found.map(({ text }) => String(text))));
  const classes = yield* textOf("label", label ?? "");
  const names = yield* textOf("annotator", annotator ?? "");
  const { columns: read } = yield* db.numericColumns(operation, {
    from: `(FROM ${relation} ORDER BY "~item", "~annotator")`,
    select: ['"~item"', '"~annotator"', '"~label"'],
    rows,
  });
  const [items = none, annotators = none, labels = none] = read;
  return {
    ratings: { item: items, annotator: annotators, label: labels, classes: classes.length },
    classes,
    names,
    relation,
    repeated: Number(counted?.["complete"] ?? 0) - rows,
  };
});

const none = new Float64Array();
