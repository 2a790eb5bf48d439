/** A feature set over a relation, as one query. */
import { identifier } from "../Duckdb.ts";
import type { Ast, HistoryAst } from "../Expr.ts";
import { historiesOf } from "../Expr.ts";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { same } from "../History.ts";
import { toSql } from "./compile.ts";

/** SQL that computes a feature set over a relation under its source contract. */
export const featureSql = (spec: FeatureSetSpec, relation: string): string => {
  const histories = distinctHistories(spec);
  const nameOf = (history: HistoryAst) => `h${histories.findIndex((one) => same(one, history))}`;
  const decidedAt = decidedAtSql(spec);
  const features = spec.features.map(({ name, expr }) => {
    const sql = toSql(expr, (history) => `${nameOf(history)}."~value"`);
    return `CAST(${sql} AS DOUBLE) AS ${identifier(name)}`;
  });
  const kept = spec.keep.map((name) => `r.${identifier(name)} AS ${identifier(name)}`);
  const label = `${toSql(spec.label, noHistory)} AS label`;
  const joins = histories.map((history) => {
    const alias = nameOf(history);
    const on = history.by.map(
      (name, index) => `r.${identifier(name)} IS NOT DISTINCT FROM ${alias}.${key(index)}`,
    );
    const hop = `CAST(floor(epoch_ms(${decidedAt}) / ${history.hopMs}) AS BIGINT) = ${alias}."~hop"`;
    return `LEFT JOIN ${alias} ON ${[...on, hop].join(" AND ")}`;
  });
  const order = Object.keys(spec.source.columns).map((name) => `r.${identifier(name)}`);
  return [
    `WITH ${[`rows AS (FROM ${relation})`, ...histories.map((history) => `${nameOf(history)} AS (${historySql(spec, history)})`)].join(",\n")}`,
    `SELECT ${[...features, ...kept, label].join(",\n  ")}`,
    "FROM rows r",
    ...joins,
    `ORDER BY ${[decidedAt, ...order].join(", ")}`,
  ].join("\n");
};

/** SQL of the buckets of a history: one row for each entity and hop, with count and sum. */
export const bucketSql = (history: HistoryAst, relation: string): string => {
  const value = `CAST(${toSql(history.of, noHistory)} AS DOUBLE)`;
  const knownAt = toSql(history.knownAt, noHistory);
  return [
    `SELECT ${keys(history)}, CAST(floor(epoch_ms(${knownAt}) / ${history.hopMs}) AS BIGINT) AS "~hop",`,
    `  CAST(count(${value}) AS DOUBLE) AS "~n", coalesce(sum(${value}), 0) AS "~s"`,
    `FROM ${relation} WHERE ${knownAt} IS NOT NULL AND ${value} IS NOT NULL GROUP BY ALL`,
  ].join("\n");
};

/** The histories of a feature set, each once. */
export const distinctHistories = (spec: FeatureSetSpec): ReadonlyArray<HistoryAst> => {
  const all = spec.features.flatMap(({ expr }) => historiesOf(expr));
  return all.filter((history, index) => all.findIndex((one) => same(one, history)) === index);
};

/** For each entity and hop at which a decision is made: the aggregate over the window before it. */
const historySql = (spec: FeatureSetSpec, history: HistoryAst): string => {
  const by = history.by.map((_, index) => key(index)).join(", ");
  const hop = `CAST(floor(epoch_ms(${decidedAtSql(spec)}) / ${history.hopMs}) AS BIGINT)`;
  const asked = `SELECT DISTINCT ${keys(history)}, ${hop} AS "~hop", 0.0 AS "~n", 0.0 AS "~s" FROM rows`;
  const hops = history.windowMs / history.hopMs;
  const window = `OVER (PARTITION BY ${by} ORDER BY "~hop" RANGE BETWEEN ${hops} PRECEDING AND 1 PRECEDING)`;
  const value =
    history.aggregate === "count"
      ? `coalesce(sum("~n") ${window}, 0)`
      : `sum("~s") ${window} / nullif(sum("~n") ${window}, 0)`;
  return [
    `SELECT ${by}, "~hop", ${value} AS "~value" FROM (`,
    `  SELECT ${by}, "~hop", sum("~n") AS "~n", sum("~s") AS "~s"`,
    `  FROM (${bucketSql(history, "rows")} UNION ALL ${asked}) GROUP BY ALL`,
    ")",
  ].join("\n");
};

/** The entity's columns under names that no source column has. */
const keys = (history: HistoryAst): string =>
  history.by.map((name, index) => `${identifier(name)} AS ${key(index)}`).join(", ");

const key = (index: number): string => `"~k${index}"`;

const decidedAtSql = (spec: FeatureSetSpec): string => {
  const column: Ast = { _tag: "column", name: spec.decidedAt, type: "timestamp" };
  return toSql(column, noHistory);
};

const noHistory = (): string => {
  throw new TypeError("a history inside a history or a label is not supported");
};
