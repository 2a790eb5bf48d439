/** The comparison of served features with those of the batch, as SQL. */
import { identifier, literal } from "../Duckdb.ts";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { decisionTime, toSql } from "./compile.ts";
import { featureSql } from "./featureSql.ts";
import { numberSql } from "./operators/Operator.ts";

/** The column of a feature as it was served. */
export const servedName = (feature: string): string => `served_${feature}`;

/** What is compared: relations with a column `file_row_number`. */
interface ParityInput {
  readonly served: string;
  readonly history: string;
  /** The relation of each lookup. */
  readonly lookups: { readonly [name: string]: string };
  readonly relativeTolerance: number;
}

/** The queries of a comparison. */
export interface ParitySql {
  /** One row a feature, in the order of the set. */
  readonly features: string;
  /** The first requests that differ, by request and feature. */
  readonly differences: (atMost: number) => string;
  /** The time of the last decision, in milliseconds. */
  readonly latest: string;
}

/** See {@link ParitySql}. */
export const paritySql = (spec: FeatureSetSpec, input: ParityInput): ParitySql => {
  const { served, history, lookups, relativeTolerance } = input;
  const names = spec.features.map(({ name }) => name);
  const batch = featureSql(spec, served, {
    tie: ["file_row_number"],
    past: history,
    lookups,
    carry: ["file_row_number"],
  });
  const decidedAt = toSql(decisionTime(spec), { table: "s" });
  const values = names.map(
    (name, index) =>
      `{'index': ${index}, 'feature': ${literal(name)}, 'served': CAST(s.${identifier(servedName(name))} AS DOUBLE), 'batch': b.${identifier(name)}}`,
  );
  // One row for each request and feature; a served value that is no number is no value.
  const pairs = `
WITH pairs AS (
  SELECT s.file_row_number AS request, ${decidedAt} AS decided,
    unnest([${values.join(", ")}], recursive := true)
  FROM ${served} s JOIN (${batch}) b USING (file_row_number)
), compared AS (
  SELECT request, decided, "index", feature, batch, CASE WHEN isfinite(served) THEN served END AS online,
    CASE
      WHEN online IS NULL AND batch IS NULL THEN 'equal'
      WHEN online IS NULL THEN 'missing'
      WHEN batch IS NULL THEN 'extra'
      WHEN abs(online - batch) <= ${numberSql(relativeTolerance)} * greatest(abs(online), abs(batch)) THEN 'equal'
      ELSE 'mismatch'
    END AS outcome
  FROM pairs
)`;
  const count = (outcome: string) =>
    `CAST(count_if(outcome = '${outcome}') AS DOUBLE) AS ${outcome}`;
  return {
    features: `${pairs}
SELECT feature, ${["mismatch", "missing", "extra"].map(count).join(", ")},
  CAST(count(coalesce(online, batch)) AS DOUBLE) AS known,
  sum(abs(online - batch)) / nullif(sum(abs(online) + abs(batch)) FILTER (WHERE online IS NOT NULL AND batch IS NOT NULL), 0) AS smape,
  min(online - batch) FILTER (WHERE outcome = 'mismatch') AS low,
  quantile_cont(online - batch, 0.5) FILTER (WHERE outcome = 'mismatch') AS middle,
  max(online - batch) FILTER (WHERE outcome = 'mismatch') AS high
FROM compared GROUP BY "index", feature ORDER BY "index"`,
    differences: (atMost) => `${pairs}
SELECT CAST(request AS DOUBLE) AS "row", strftime(decided, '%Y-%m-%dT%H:%M:%S.%gZ') AS "at", feature, online AS served, batch
FROM compared WHERE outcome <> 'equal' ORDER BY request, "index" LIMIT ${atMost}`,
    latest: `SELECT CAST(epoch_ms(max(${decidedAt})) AS DOUBLE) AS "at" FROM ${served} s`,
  };
};
