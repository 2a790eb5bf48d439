/** Items as sparse vectors of what describes them. */
import type { Artifact, Contract } from "@ml-pipe/core";
import { type Catalogue, Duckdb, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { SparseMatrix } from "../internal/similarity.ts";
import { numbered } from "./pairs.ts";

/**
 * How a column describes an item: `tags` between separators, `words` of at least two letters or digits
 * (in lower case), or `bins` of a width for numbers. `weight` is how much the column counts; default 1.
 */
export type Descriptor =
  | { readonly as: "tags"; readonly separator: string; readonly weight?: number }
  | { readonly as: "words"; readonly weight?: number }
  | { readonly as: "bins"; readonly width: number; readonly weight?: number };

/** The terms of a column, one row for each item and term: `item`, `field`, `term`, `times`. */
const termsSql = (
  relation: string,
  item: string,
  column: string,
  descriptor: Descriptor,
  field: number,
): string => {
  const value = Duckdb.identifier(column);
  const terms =
    descriptor.as === "tags"
      ? `list_distinct(list_transform(string_split(${value}, ${Duckdb.literal(descriptor.separator)}), lambda x: trim(x)))`
      : descriptor.as === "words"
        ? `regexp_extract_all(lower(${value}), '[\\p{L}\\p{N}]{2,}')`
        : `[CAST(floor(CAST(${value} AS DOUBLE) / ${descriptor.width}) AS VARCHAR)]`;
  return `SELECT item, ${field} AS field, term, count(*) AS times
    FROM (SELECT CAST(${Duckdb.identifier(item)} AS VARCHAR) AS item, unnest(${terms}) AS term
      FROM ${relation} WHERE ${value} IS NOT NULL)
    WHERE term IS NOT NULL AND term <> '' GROUP BY ALL`;
};

/**
 * Reads the catalogue as a matrix of items by terms. A term weighs tf · (ln((1 + n) / (1 + df)) + 1), n
 * items of which df have it (scikit-learn's smoothed idf); the terms of a column have the norm of the
 * column's weight together.
 */
export const readContent = Effect.fnUntraced(function* (
  catalogue: Catalogue.Catalogue<Contract.Contract>,
  table: Table.AnyTable,
  descriptors: { readonly [column: string]: Descriptor },
): Effect.fn.Return<
  { readonly matrix: SparseMatrix; readonly items: string },
  Duckdb.DuckdbError | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb.Duckdb;
  const operation = "read what describes the items";
  const relation = yield* Table.relation(table);
  const id = `CAST(${Duckdb.identifier(catalogue.item)} AS VARCHAR)`;
  const items = numbered(id, relation);
  const fields = Object.entries(descriptors);
  const terms = `(${fields
    .map(([column, one], field) => termsSql(relation, catalogue.item, column, one, field))
    .join(" UNION ALL ")})`;
  const [counts] = yield* db.rows(
    operation,
    `SELECT count(*)::DOUBLE AS n, (SELECT count(*)::DOUBLE FROM ${items}) AS items FROM ${terms}`,
  );
  const [rows, n] = [Number(counts?.["n"] ?? 0), Number(counts?.["items"] ?? 0)];
  const { columns } = yield* db.numericColumns(operation, {
    from: `(SELECT i.number, t.field, dense_rank() OVER (ORDER BY t.field, t.term) - 1 AS term, t.times,
        count(*) OVER (PARTITION BY t.field, t.term) AS df
      FROM ${terms} AS t JOIN ${items} AS i ON t.item = i.id ORDER BY i.number, t.field, t.term)`,
    select: ["number", "field", "term", "times", "df"],
    rows,
  });
  const [item = none, field = none, term = none, times = none, df = none] = columns;
  const value = times.map((tf, at) => tf * (Math.log((1 + n) / (1 + df[at]!)) + 1));
  scaleByField(value, item, field, (one) => fields[one]?.[1].weight ?? 1);
  const matrix: SparseMatrix = {
    row: item,
    column: term,
    value,
    rows: n,
    columns: term.reduce((most, one) => Math.max(most, one + 1), 0),
  };
  return { matrix, items };
});

const none = new Float64Array();

/** Gives each run of one item and field the norm that its field weighs. */
const scaleByField = (
  value: Float64Array,
  item: Float64Array,
  field: Float64Array,
  weightOf: (field: number) => number,
): void => {
  for (let start = 0; start < value.length;) {
    let end = start;
    let squares = 0;
    for (; end < value.length && item[end] === item[start] && field[end] === field[start]; end++) {
      squares += value[end]! * value[end]!;
    }
    const scale = weightOf(field[start]!) / Math.sqrt(squares);
    for (; start < end; start++) value[start]! *= scale;
  }
};
