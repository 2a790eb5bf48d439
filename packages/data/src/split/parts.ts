/** Writing the parts of a split, and the proof that they have nothing in common. */
import { type Artifact, type Contract, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError, identifier } from "../Duckdb.ts";
import * as Table from "../Table.ts";
import { EmptySplit, OverlapError } from "./errors.ts";
import { type Law, requireDisjoint } from "./overlap.ts";

/** The roles that a split gives. */
export type PartRole = "train" | "validation" | "test" | "live";

/** The id of a split: the same rows split in the same way have the same. */
export const splitId = (data: Table.AnyTable, params: unknown): string =>
  Digest.ofJson([Table.digestOf(data), params]);

/** Which rows make a part, and what to say if there are none. */
export interface PartQuery {
  /** A relation with the contract's columns and `file_row_number`. */
  readonly from: string;
  readonly empty: { readonly because: string; readonly next: string };
}

/**
 * Writes one part in the order of the table: without a sort, the bytes would depend on the number of
 * threads. Fails with {@link EmptySplit} if it has no rows.
 */
export const writePart = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  R extends PartRole,
>(
  contract: C,
  role: R,
  split: string,
  { from, empty }: PartQuery,
): Effect.fn.Return<
  Table.Table<C, R>,
  EmptySplit | Table.WriteError,
  Duckdb | Artifact.ArtifactStore
> {
  const columns = Object.keys(contract.columns).map(identifier).join(", ");
  const query = `SELECT ${columns} FROM ${from} ORDER BY file_row_number`;
  const table = yield* Table.write(contract, role, { query, split });
  return table.rows > 0 ? table : yield* new EmptySplit({ part: role, ...empty });
});

/** Looks for each law's values in two of the tables; gives how often each comes again, by law. */
export const requireDisjointTables = Effect.fnUntraced(function* (
  tables: ReadonlyArray<Table.AnyTable>,
  laws: ReadonlyArray<Law>,
): Effect.fn.Return<
  ReadonlyArray<number>,
  OverlapError | DuckdbError | Table.ReadError,
  Duckdb | Artifact.ArtifactStore
> {
  const relations = yield* Effect.forEach(tables, (table) =>
    Table.relation(table, { rowNumbers: true }),
  );
  const found = yield* Effect.forEach(laws, (law) => {
    const columns = law.columns.map(identifier).join(", ");
    const tagged = relations.map(
      (relation, part) =>
        `SELECT ${part} AS "~part", file_row_number AS "~row", ${columns} FROM ${relation}`,
    );
    const names = tables.map(({ role }) => role);
    return requireDisjoint(`(${tagged.join(" UNION ALL ")})`, names, law);
  });
  return found.map(({ repeated }) => repeated);
});

/**
 * Fails with an {@link OverlapError} unless each part begins later than the one before it ends, by more
 * than the embargo.
 */
export const requireOrdered = Effect.fnUntraced(function* (
  tables: ReadonlyArray<Table.AnyTable>,
  column: string,
  embargoMs: number,
): Effect.fn.Return<
  void,
  OverlapError | DuckdbError | Table.ReadError,
  Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb;
  const time = `CAST(${identifier(column)} AS TIMESTAMP)`;
  const ends = yield* Effect.forEach(tables, (table) =>
    Effect.gen(function* () {
      const relation = yield* Table.relation(table, { rowNumbers: true });
      const [row] = yield* db.rows(
        "look for an instant in two parts of the split",
        `SELECT CAST(epoch_us(min(${time})) AS DOUBLE) AS first, CAST(epoch_us(max(${time})) AS DOUBLE) AS last,
           CAST(arg_min(file_row_number, (${time}, file_row_number)) AS DOUBLE) AS "firstRow",
           CAST(arg_max(file_row_number, (${time}, file_row_number)) AS DOUBLE) AS "lastRow" FROM ${relation}`,
      );
      const of = (name: string) => Number(row?.[name]);
      const { role } = table;
      return {
        first: { part: role, row: of("firstRow"), at: of("first") },
        last: { part: role, row: of("lastRow"), at: of("last") },
      };
    }),
  );
  const examples = ends.slice(1).flatMap(({ first }, index) => {
    const before = ends[index]?.last;
    return before === undefined || first.at - before.at > embargoMs * 1000
      ? []
      : [[before, first].map(({ part, row }) => ({ part, row }))];
  });
  if (examples.length === 0) return;
  return yield* new OverlapError({
    of: "time",
    columns: [column],
    count: examples.length,
    examples,
    next: "This is a fault of the split: report it.",
  });
});

/** The rows of a relation whose number a scratch file (`~row`, `~part`) puts into a part. */
export const rowsOfPart = (relation: string, assigned: string, part: number): string =>
  `(SELECT "~t".* FROM ${relation} AS "~t" JOIN ${assigned} AS "~a" ON "~t".file_row_number = "~a"."~row"
    WHERE "~a"."~part" = ${part})`;
