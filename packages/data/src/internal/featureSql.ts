/** A feature set over a relation, as one query. */
import { identifier } from "../Duckdb.ts";
import type { Ast, HistoryAst } from "../Expr.ts";
import { historiesOf } from "../Expr.ts";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { rowsOf } from "../featureSet/lookups.ts";
import { same } from "../History.ts";
import { aggregateOf } from "./aggregates.ts";
import { columnSql, decisionTime, type SqlNames, toSql } from "./compile.ts";
import { hopOf, key, knownSql } from "./hops.ts";
import { kindOf } from "./kinds.ts";
import { foundSql, stepsJoin, stepsSql } from "./lookupSql.ts";
import { operators } from "./operators.ts";
import { once } from "./operators/Operator.ts";

/** What beside the rows decides about {@link featureSql}. */
export interface FeatureSqlOptions {
  /** Puts decisions at the same instant, and those without one, in order. Default: all columns. */
  readonly tie?: ReadonlyArray<string>;
  /** The relation whose rows are the histories. Default: the rows themselves. */
  readonly past?: string;
  /** The relation of each lookup. Default: the one named as the lookup's contract. */
  readonly lookups?: { readonly [name: string]: string };
  /** Columns of the rows to hand on in place of the label and what the set keeps. */
  readonly carry?: ReadonlyArray<string>;
}

/**
 * SQL that computes a feature set over a relation under its source contract, in order of decision.
 */
export const featureSql = (
  spec: FeatureSetSpec,
  relation: string,
  options: FeatureSqlOptions = {},
): string => {
  const { tie = Object.keys(spec.source.columns), past, carry } = options;
  const families = familiesOf(spec);
  const aliases = families.map((_, index) => `"~h${index}"`);
  const lookups = rowsOf(spec).map((rows, index) => ({ ...rows, alias: `"~l${index}"` }));
  const decidedAt = toSql(decisionTime(spec), { table: "r" });
  const names = {
    table: "r",
    lookedUp: (lookup: string, column: string) => {
      const found = lookups.find(({ name }) => name === lookup);
      if (found === undefined) throw new TypeError(`there is no lookup "${lookup}"`);
      return foundSql(found.spec, found.alias, column, decidedAt);
    },
    history: (history: HistoryAst) => {
      const index = families.findIndex((family) => family.some((one) => same(one, history)));
      const place = families[index]?.findIndex((one) => same(one, history)) ?? 0;
      return `${aliases[index]}.${valueColumn(place)}`;
    },
  };
  const features = spec.features.map(
    ({ name, expr }) => `${doubleSql(expr, names)} AS ${identifier(name)}`,
  );
  const kept = (carry ?? spec.keep).map(
    (name) => `${columnSql(name, names)} AS ${identifier(name)}`,
  );
  const label =
    carry === undefined ? [`${toSql(spec.label, { table: names.table })} AS label`] : [];
  const joins = families.map(([history], index) => {
    const alias = aliases[index];
    const on = history.by.map(
      (name, at) => `${columnSql(name, names)} IS NOT DISTINCT FROM ${alias}.${key(at)}`,
    );
    const hop = `${hopOf(decidedAt, history.hopMs)} = ${alias}."~hop"`;
    return `LEFT JOIN ${alias} ON ${[...on, hop].join(" AND ")}`;
  });
  const lookupJoins = lookups.map(({ spec: lookup, alias }) =>
    stepsJoin(lookup, alias, { table: names.table, decidedAt }),
  );
  const order = tie.map((name) => columnSql(name, names));
  const tables = [
    ...families.map((one, index) => `${aliases[index]} AS (${familySql(spec, one)})`),
    ...lookups.map(({ name, alias, spec: lookup, columns }) => {
      const from = options.lookups?.[name] ?? identifier(lookup.contract.name);
      return `${alias} AS (${stepsSql(lookup, columns, from)})`;
    }),
  ];
  const before = families.length === 0 ? [] : [`${thePast} AS (FROM ${past ?? theRows})`];
  return [
    `WITH ${[`${theRows} AS (FROM ${relation})`, ...before, ...tables].join(",\n")}`,
    `SELECT ${[...features, ...kept, ...label].join(",\n  ")}`,
    `FROM ${theRows} ${names.table}`,
    ...joins,
    ...lookupJoins,
    `ORDER BY ${(spec.decidedAt === undefined ? order : [decidedAt, ...order]).join(", ")}`,
  ].join("\n");
};

/** Names of the query's own, which no relation has that it reads. */
const [theRows, thePast] = [`"~rows"`, `"~past"`];

/** An expression as a double, which numbers are already. */
const doubleSql = (expr: Ast, names: SqlNames): string => {
  const isNumber = expr._tag !== "history" && kindOf(expr) === "number";
  return isNumber ? toSql(expr, names) : `CAST(${toSql(expr, names)} AS DOUBLE)`;
};

/**
 * SQL of the buckets of histories of one family: one row for each entity and hop, with the columns that
 * their aggregates need; the hop is null for what never became known. `known` is when a row did, if the
 * relation says so.
 */
export const bucketSql = (
  spec: Pick<FeatureSetSpec, "decidedAt">,
  family: Family,
  relation: string,
  known?: string,
): string => {
  const [history] = family;
  const decidedAt = toSql(decisionTime(spec));
  const knownAt = known ?? once(toSql(history.knownAt), (claimed) => knownSql(spec, claimed));
  const columns = [
    ...keyColumns(history),
    `${hopOf(knownAt, history.hopMs)} AS "~hop"`,
    ...family.flatMap((one, index) =>
      Object.entries(bucketOf(one, decidedAt)).map(
        ([name, sql]) => `${sql} AS ${bucketColumn(index, name)}`,
      ),
    ),
  ];
  return `SELECT ${columns.join(", ")} FROM ${relation} GROUP BY ALL`;
};

/** The columns of a history's buckets, as SQL aggregates. */
const bucketOf = ({ aggregate, of }: HistoryAst, decidedAt: string) =>
  aggregateOf(aggregate).bucket({
    value: `CAST(${toSql(of)} AS DOUBLE)`,
    at: `CAST(epoch_ms(${decidedAt}) AS DOUBLE)`,
    whole: isWhole(of),
  });

/** The names of the columns of a history's buckets. */
export const bucketNames = (history: HistoryAst): ReadonlyArray<string> =>
  Object.keys(bucketOf(history, "NULL"));

/** The column of the `index`-th history of a family. */
export const bucketColumn = (index: number, name: string): string => `"~${index} ${name}"`;

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

/** Histories over the same windows of the same entities, known at the same time: one pass makes all. */
export type Family = readonly [HistoryAst, ...ReadonlyArray<HistoryAst>];

/** The histories of a feature set, each once, by family. */
export const familiesOf = (spec: FeatureSetSpec): ReadonlyArray<Family> => {
  const families = new Map<string, [HistoryAst, ...Array<HistoryAst>]>();
  for (const history of spec.features.flatMap(({ expr }) => historiesOf(expr))) {
    const { by, knownAt, windowMs, hopMs } = history;
    const name = JSON.stringify([by, knownAt, windowMs, hopMs]);
    const family = families.get(name);
    if (family === undefined) families.set(name, [history]);
    else if (!family.some((one) => same(one, history))) family.push(history);
  }
  return [...families.values()];
};

/** For each entity and hop at which a decision is made: the aggregates over the window before it. */
const familySql = (spec: FeatureSetSpec, family: Family): string => {
  const [history] = family;
  const by = history.by.map((_, index) => key(index));
  const asked = [
    ...keyColumns(history),
    `${hopOf(toSql(decisionTime(spec)), history.hopMs)} AS "~hop"`,
  ];
  const columns = family.flatMap((one, index) =>
    bucketNames(one).map((name) => bucketColumn(index, name)),
  );
  const hops = history.windowMs / history.hopMs;
  const partition = by.length === 0 ? "" : `PARTITION BY ${by.join(", ")} `;
  const values = family.map(({ aggregate, param = Number.NaN, hopMs }, index) => {
    const value = aggregateOf(aggregate).window({
      column: (name) => bucketColumn(index, name),
      over: "OVER before",
      end: `"~moment"`,
      hopMs,
      param,
    });
    return `${value} AS ${valueColumn(index)}`;
  });
  return [
    `SELECT ${[...by, '"~hop"', ...values].join(", ")} FROM (`,
    `  SELECT ${[...by, '"~hop"', '"~hop" AS "~moment"', ...columns.map((name) => `any_value(${name}) AS ${name}`)].join(", ")} FROM (`,
    `    ${bucketSql(spec, family, thePast)}`,
    `    UNION ALL BY NAME SELECT DISTINCT ${asked.join(", ")} FROM ${theRows}`,
    `  ) GROUP BY ALL`,
    `) WINDOW before AS (${partition}ORDER BY "~hop" RANGE BETWEEN ${hops} PRECEDING AND 1 PRECEDING)`,
  ].join("\n");
};

/** The value of the `index`-th history of a family. */
const valueColumn = (index: number): string => `"~value ${index}"`;

/** The entity's columns under names that no source column has. */
const keyColumns = (history: HistoryAst): ReadonlyArray<string> =>
  history.by.map((name, index) => `${identifier(name)} AS ${key(index)}`);
