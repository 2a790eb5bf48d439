/** The proof of a split: what must be in one part is looked for in two, in what was written. */
import type { Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError, identifier } from "../Duckdb.ts";
import { OverlapError } from "./errors.ts";
import { hashSql } from "./hash.ts";

/** What may be in one part only. */
export interface Law {
  readonly of: "row" | "key" | "group";
  readonly columns: ReadonlyArray<string>;
}

/** All columns that say something about a row: its key only says which row it is. */
export const contentOf = ({ spec }: Contract.Contract): ReadonlyArray<string> => {
  const key = new Set(spec.key);
  const content = Object.keys(spec.columns).filter((column) => !key.has(column));
  return content.length === 0 ? Object.keys(spec.columns) : content;
};

const next = {
  row: "Drop what is there twice before the split, or let duplicates be together.",
  key: "Keys identify rows, so find out why some come twice: deduplicate the source.",
  group: "This is a fault of the split: report it.",
} as const;

/** How often the values of a law's columns come again, in whichever part. */
export interface Counted {
  readonly repeated: number;
}

/**
 * Fails with an {@link OverlapError} if values are in two parts. `tagged` is a relation with the
 * columns, `~part` (a number) and `~row` (the row's number in its part); `names` are those of the parts.
 */
export const requireDisjoint = Effect.fnUntraced(function* (
  tagged: string,
  names: ReadonlyArray<string>,
  { of, columns }: Law,
): Effect.fn.Return<Counted, OverlapError | DuckdbError, Duckdb> {
  const db = yield* Duckdb;
  const operation = `look for a ${of} in two parts of the split`;
  // Equal values have equal hashes, so a quick one is proof enough that nothing is torn. Where it finds
  // something, the long one says whether that is more than a coincidence.
  const quick = `(SELECT "~part", hash(${columns.map(identifier).join(", ")}) AS "~hash" FROM ${tagged})`;
  const [first] = yield* db.rows(operation, tornSql(quick));
  if (Number(first?.["torn"] ?? 0) === 0) return { repeated: Number(first?.["repeated"] ?? 0) };
  const hashed = `(SELECT "~part", "~row", ${hashSql(columns)} AS "~hash" FROM ${tagged})`;
  const [found] = yield* db.rows(operation, tornSql(hashed));
  const count = Number(found?.["torn"] ?? 0);
  if (count === 0) return { repeated: Number(found?.["repeated"] ?? 0) };
  const rows = yield* db.rows(
    operation,
    `SELECT CAST("~hash" AS VARCHAR) AS hash, "~part" AS part, CAST(min("~row") AS DOUBLE) AS row
     FROM ${hashed}
     WHERE "~hash" IN (SELECT "~hash" FROM ${valuesOf(hashed)} WHERE torn ORDER BY "~hash" LIMIT 5)
     GROUP BY "~hash", "~part" ORDER BY "~hash", "~part"`,
  );
  const examples = new Map<string, Array<{ part: string; row: number }>>();
  for (const { hash, part, row } of rows) {
    const example = examples.get(String(hash)) ?? [];
    example.push({ part: names[Number(part)] ?? "", row: Number(row) });
    examples.set(String(hash), example);
  }
  return yield* new OverlapError({
    of,
    columns,
    count,
    examples: [...examples.values()],
    next: next[of],
  });
});

/** Values by hash: whether each is in more than one part, and how often it occurs. */
const valuesOf = (hashed: string): string =>
  `(SELECT "~hash", min("~part") <> max("~part") AS torn, count(*) AS n FROM ${hashed} GROUP BY "~hash")`;

const tornSql = (hashed: string): string =>
  `SELECT CAST(count(*) FILTER (torn) AS DOUBLE) AS torn,
     CAST(coalesce(sum(n - 1), 0) AS DOUBLE) AS repeated FROM ${valuesOf(hashed)}`;
