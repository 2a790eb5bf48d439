/** A feature set over a relation, as one query. */
import { identifier } from "../Duckdb.ts";
import type { Ast, HistoryAst } from "../Expr.ts";
import { historiesOf } from "../Expr.ts";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { same } from "../History.ts";
import { columnSql, decisionTime, toSql } from "./compile.ts";
import { kindOf } from "./kinds.ts";
import { operators } from "./operators.ts";
import { once } from "./operators/Operator.ts";

/**
 * SQL that computes a feature set over a relation under its source contract, in order of decision.
 * Decisions at the same instant, and those without one, come in the order of `tie`, or of all columns.
 */
export const featureSql = (
  spec: FeatureSetSpec,
  relation: string,
  tie: ReadonlyArray<string> = Object.keys(spec.source.columns),
): string => {
  const histories = distinctHistories(spec);
  const nameOf = (history: HistoryAst) => `h${histories.findIndex((one) => same(one, history))}`;
  const names = {
    table: "r",
    history: (history: HistoryAst) => `${nameOf(history)}."~value"`,
  };
  const decidedAt = toSql(decisionTime(spec), names);
  const features = spec.features.map(
    ({ name, expr }) => `CAST(${toSql(expr, names)} AS DOUBLE) AS ${identifier(name)}`,
  );
  const kept = spec.keep.map((name) => `${columnSql(name, names)} AS ${identifier(name)}`);
  const label = `${toSql(spec.label, { table: names.table })} AS label`;
  const joins = histories.map((history) => {
    const alias = nameOf(history);
    const on = history.by.map(
      (name, index) => `${columnSql(name, names)} IS NOT DISTINCT FROM ${alias}.${key(index)}`,
    );
    const hop = `${hopOf(decidedAt, history)} = ${alias}."~hop"`;
    return `LEFT JOIN ${alias} ON ${[...on, hop].join(" AND ")}`;
  });
  const order = tie.map((name) => columnSql(name, names));
  const tables = histories.map((one) => `${nameOf(one)} AS (${historySql(spec, one)})`);
  return [
    `WITH ${[`rows AS (FROM ${relation})`, ...tables].join(",\n")}`,
    `SELECT ${[...features, ...kept, label].join(",\n  ")}`,
    `FROM rows ${names.table}`,
    ...joins,
    `ORDER BY ${(spec.decidedAt === undefined ? order : [decidedAt, ...order]).join(", ")}`,
  ].join("\n");
};

/**
 * SQL of the buckets of a history: one row for each entity and hop, with count and sum; the hop is null
 * for what never became known. An outcome
 * counts as known at its decision at the earliest, whatever `knownAt` claims: otherwise a row could
 * see its own.
 */
export const bucketSql = (
  spec: Pick<FeatureSetSpec, "decidedAt">,
  history: HistoryAst,
  relation: string,
): string => {
  const value = `CAST(${toSql(history.of)} AS DOUBLE)`;
  const decidedAt = toSql(decisionTime(spec));
  // Not `greatest`, for which an unknown time would be the other one.
  const knownAt = once(
    toSql(history.knownAt),
    (known) =>
      `(CASE WHEN ${known} >= ${decidedAt} THEN ${known} WHEN ${known} IS NOT NULL THEN ${decidedAt} END)`,
  );
  const columns = [
    ...keyColumns(history),
    `${hopOf(knownAt, history)} AS "~hop"`,
    `CAST(count(${value}) AS DOUBLE) AS "~n"`,
    `coalesce(${sumSql(history.of, value)}, 0) AS "~s"`,
  ];
  return `SELECT ${columns.join(", ")} FROM ${relation} GROUP BY ALL`;
};

/**
 * A sum that is the same on any number of threads. Whole numbers are exact in any order; others are
 * summed in order of size, which takes longer.
 */
const sumSql = (of: Ast, value: string): string =>
  isWhole(of) ? `sum(${value})` : `sum(${value} ORDER BY ${value})`;

/** Whether an expression gives whole numbers only, or yes and no. */
const isWhole = (ast: Ast): boolean => {
  if (kindOf(ast) === "boolean") return true;
  switch (ast._tag) {
    case "column":
      return ast.type === "int";
    case "literal":
      return ast.value === null || Number.isInteger(ast.value);
    case "history":
      return false;
    case "call": {
      const { whole, takes } = operators[ast.operator];
      return (
        whole === "always" ||
        (whole !== undefined &&
          ast.args.every((arg, index) => takes[index] === "boolean" || isWhole(arg)))
      );
    }
  }
};

/** The histories of a feature set, each once. */
export const distinctHistories = (spec: FeatureSetSpec): ReadonlyArray<HistoryAst> => {
  const all = spec.features.flatMap(({ expr }) => historiesOf(expr));
  return all.filter((history, index) => all.findIndex((one) => same(one, history)) === index);
};

/** For each entity and hop at which a decision is made: the aggregate over the window before it. */
const historySql = (spec: FeatureSetSpec, history: HistoryAst): string => {
  const by = history.by.map((_, index) => key(index));
  const asked = [
    ...keyColumns(history),
    `${hopOf(toSql(decisionTime(spec)), history)} AS "~hop"`,
    `0.0::DOUBLE AS "~n"`,
    `0.0::DOUBLE AS "~s"`,
  ];
  const hops = history.windowMs / history.hopMs;
  const partition = by.length === 0 ? "" : `PARTITION BY ${by.join(", ")} `;
  const window = `OVER (${partition}ORDER BY "~hop" RANGE BETWEEN ${hops} PRECEDING AND 1 PRECEDING)`;
  const mean = `sum("~s") ${window} / nullif(sum("~n") ${window}, 0)`;
  const value =
    history.aggregate === "count"
      ? `coalesce(sum("~n") ${window}, 0)`
      : `CASE WHEN isfinite(${mean}) THEN ${mean} END`;
  return [
    `SELECT ${[...by, '"~hop"', `${value} AS "~value"`].join(", ")} FROM (`,
    `  SELECT ${[...by, '"~hop"', 'sum("~n") AS "~n"', 'sum("~s") AS "~s"'].join(", ")} FROM (`,
    `    ${bucketSql(spec, history, "rows")}`,
    `    UNION ALL SELECT DISTINCT ${asked.join(", ")} FROM rows`,
    "  ) GROUP BY ALL",
    ")",
  ].join("\n");
};

/** The number of the hop since 1970-01-01 UTC in which an instant lies. */
const hopOf = (instant: string, { hopMs }: HistoryAst): string =>
  `CAST(floor(epoch_ms(${instant}) / ${hopMs}) AS BIGINT)`;

/** The entity's columns under names that no source column has. */
const keyColumns = (history: HistoryAst): ReadonlyArray<string> =>
  history.by.map((name, index) => `${identifier(name)} AS ${key(index)}`);

/** The name of the `index`-th column of an entity's key. */
export const key = (index: number): string => `"~k${index}"`;
