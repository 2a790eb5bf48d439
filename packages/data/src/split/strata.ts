/** How a split at random came out: units in each part, and the strata across parts. */
import type { Exhibit, Finding } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError } from "../Duckdb.ts";
import { counted } from "../Words.ts";

/** What is said of the units and strata of a split. */
export interface Strata {
  /** Units in each part. */
  readonly units: ReadonlyArray<number>;
  readonly exhibits: ReadonlyArray<Exhibit.Exhibit>;
  readonly findings: ReadonlyArray<Finding.Finding>;
}

/** Strata that the exhibit lists, those with most rows first. */
const maxListed = 20;

/**
 * Counts the units and strata of each part. `assigned` is a relation with `~unit`, `~stratum` and
 * `~part`; a stratum that is missing in a part is a finding.
 */
export const strataOf = Effect.fnUntraced(function* (
  assigned: string,
  parts: ReadonlyArray<string>,
  options: { readonly stratify: string | undefined; readonly owner: string },
): Effect.fn.Return<Strata, DuckdbError, Duckdb> {
  const db = yield* Duckdb;
  const operation = "count the rows of each part";
  const perPart = yield* db.rows(
    operation,
    `SELECT "~part" AS part, CAST(count(DISTINCT "~unit") AS DOUBLE) AS units FROM ${assigned} GROUP BY ALL`,
  );
  const units = parts.map((_, part) =>
    Number(perPart.find((row) => Number(row["part"]) === part)?.["units"] ?? 0),
  );
  const { stratify, owner } = options;
  if (stratify === undefined) return { units, exhibits: [], findings: [] };
  const counts = parts.map(
    (_, part) => `CAST(count(*) FILTER ("~part" = ${part}) AS DOUBLE) AS p${part}`,
  );
  const missing = parts.map((_, part) => `p${part} = 0`).join(" OR ");
  const rows = yield* db.rows(
    operation,
    `SELECT *, CAST(count(*) OVER () AS DOUBLE) AS strata,
       CAST(count(*) FILTER (${missing}) OVER () AS DOUBLE) AS missing,
       CAST(coalesce(sum(n) FILTER (${missing}) OVER (), 0) AS DOUBLE) AS "missingRows"
     FROM (SELECT "~stratum" AS stratum, CAST(count(*) AS DOUBLE) AS n, ${counts.join(", ")}
           FROM ${assigned} GROUP BY ALL)
     ORDER BY n DESC, stratum LIMIT ${maxListed}`,
  );
  const of = (name: string) => Number(rows[0]?.[name] ?? 0);
  const more = of("strata") - rows.length;
  return {
    units,
    exhibits: [
      {
        _tag: "table",
        title: `Rows by ${stratify}`,
        ...(more > 0 ? { caption: `and ${counted(more, "value")} with fewer rows` } : {}),
        columns: [stratify, ...parts],
        rows: rows.map((row) => [
          row["stratum"] === null ? "(missing)" : String(row["stratum"]),
          ...parts.map((_, part) => Number(row[`p${part}`])),
        ]),
      },
    ],
    findings:
      of("missing") === 0
        ? []
        : [
            {
              check: "split.strata",
              severity: "warn",
              column: stratify,
              owner,
              expected: `rows of every ${stratify} in every part`,
              found: `${counted(of("missing"), "value")} of ${of("strata")} with too few rows for that`,
              rows: of("missingRows"),
              next: `Merge rare values of ${stratify} before the split, or ingest more of them.`,
            },
          ],
  };
});
