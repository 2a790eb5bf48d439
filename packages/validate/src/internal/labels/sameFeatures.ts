/** Rows with the same features: duplicates where their labels agree, conflicts where they do not. */
import { randomUUID } from "node:crypto";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";

/** Rows of a table, and which of its columns are features. */
export interface FeatureRows {
  /** In SQL, with `file_row_number`. */
  readonly relation: string;
  readonly features: ReadonlyArray<string>;
  readonly label: string;
}

/** Some rows with the same features and different labels. */
export interface Conflict {
  /** How often each label was given, and the first row with it. */
  readonly labels: ReadonlyArray<{
    readonly label: string;
    readonly rows: number;
    readonly first: number;
  }>;
  /** The values of the features, as text. */
  readonly values: ReadonlyArray<string | null>;
}

/** What {@link sameFeatures} found among the rows with a label. */
export interface SameFeatures {
  /** Rows that repeat an earlier one, features and label; and how many different rows are repeated. */
  readonly duplicates: {
    readonly rows: number;
    readonly groups: number;
    readonly sample: ReadonlyArray<number>;
  };
  /**
   * Groups of rows with the same features and more than one label, their rows, and how many of these any
   * model of these features must get wrong.
   */
  readonly conflicts: {
    readonly groups: number;
    readonly rows: number;
    readonly irreducible: number;
    readonly sample: ReadonlyArray<number>;
    readonly examples: ReadonlyArray<Conflict>;
  };
}

/** How many groups are shown. */
const shown = 10;

/**
 * Two passes: one over 64-bit hashes of the features finds the few that occur more than once, one counts
 * their labels. Among ten million rows, two different ones share a hash once in three hundred thousand
 * tables.
 */
export const sameFeatures = Effect.fnUntraced(function* ({
  relation,
  features,
  label,
}: FeatureRows): Effect.fn.Return<SameFeatures, Duckdb.DuckdbError, Duckdb.Duckdb | Scope.Scope> {
  const db = yield* Duckdb.Duckdb;
  const operation = "find rows with the same features";
  const names = features.map(Duckdb.identifier);
  const pairs = Duckdb.identifier(`same features ${randomUUID()}`);
  // Not acquireRelease: it could not be interrupted while it searches.
  yield* Effect.addFinalizer(() =>
    Effect.ignore(
      db.execute("forget the rows with the same features", `DROP TABLE IF EXISTS ${pairs}`),
    ),
  );
  const hashed = `(SELECT hash(${names.join(", ")}) AS h, CAST(${Duckdb.identifier(label)} AS VARCHAR) AS l, file_row_number AS r
    FROM ${relation} WHERE ${Duckdb.identifier(label)} IS NOT NULL)`;
  yield* db.execute(
    operation,
    `CREATE TABLE ${pairs} AS
       WITH repeated AS (SELECT h FROM ${hashed} GROUP BY h HAVING count(*) > 1)
       SELECT h, l, count(*) AS n, min(r) AS first, min(r, 2)[2] AS second
       FROM ${hashed} SEMI JOIN repeated USING (h) GROUP BY h, l`,
  );
  const [counted] = yield* db.rows(
    operation,
    `WITH conflicts AS (SELECT h, sum(n) AS rows, max(n) AS most, min(first) AS first FROM ${pairs} GROUP BY h HAVING count(*) > 1)
     SELECT coalesce(sum(n - 1), 0)::DOUBLE AS duplicates, count(*) FILTER (WHERE n > 1)::DOUBLE AS "duplicateGroups",
       min(second, 5) AS "duplicateSample",
       (SELECT count(*)::DOUBLE FROM conflicts) AS groups, (SELECT coalesce(sum(rows), 0)::DOUBLE FROM conflicts) AS rows,
       (SELECT coalesce(sum(rows - most), 0)::DOUBLE FROM conflicts) AS irreducible,
       (SELECT min(first, 5) FROM conflicts) AS sample
     FROM ${pairs}`,
  );
  const of = (what: string) => Number(counted?.[what] ?? 0);
  const texts = names.map((name) => `CAST(t.${name} AS VARCHAR)`).join(", ");
  const examples = yield* db.rows(
    operation,
    `SELECT c.labels, [${texts}] AS "values" FROM (
       SELECT min(first) AS first, list({label: l, rows: n::DOUBLE, first: first::DOUBLE} ORDER BY n DESC, l) AS labels
       FROM ${pairs} GROUP BY h HAVING count(*) > 1 ORDER BY first LIMIT ${shown}
     ) c JOIN ${relation} t ON t.file_row_number = c.first ORDER BY c.first`,
  );
  return {
    duplicates: {
      rows: of("duplicates"),
      groups: of("duplicateGroups"),
      sample: numbersOf(counted?.["duplicateSample"]),
    },
    conflicts: {
      groups: of("groups"),
      rows: of("rows"),
      irreducible: of("irreducible"),
      sample: numbersOf(counted?.["sample"]),
      examples: examples.map(({ labels, values }) => ({
        labels: listOf(labels).map(labelOf),
        values: listOf(values).map((one) => (one === null ? null : String(one))),
      })),
    },
  };
});

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : []);

const numbersOf = (value: unknown): ReadonlyArray<number> => listOf(value).map(Number);

const labelOf = (value: unknown): Conflict["labels"][number] => {
  const of = (key: string): unknown =>
    typeof value === "object" && value !== null && key in value
      ? Object.entries(value).find(([name]) => name === key)?.[1]
      : undefined;
  return { label: String(of("label")), rows: Number(of("rows")), first: Number(of("first")) };
};
