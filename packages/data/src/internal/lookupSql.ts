/**
 * Lookups as SQL. The rows of the other table are put together in buckets, one for each entity and hop in
 * which they became known: the newest. In the order of those hops, only buckets that are newer than all
 * before them are ever found; what is left is one step function for each entity, which an as-of join reads.
 */
import { identifier, literal } from "../Duckdb.ts";
import type { LookupRows, LookupSpec } from "../Lookup.ts";
import { type Ast, columnsOf, type LookedUpAst } from "./ast.ts";
import { columnSql, type SqlNames, toSql } from "./compile.ts";
import { hopOf, key, knownSql } from "./hops.ts";
import { heldBy, kindOf } from "./kinds.ts";

/** What a bucket keeps, in the order in which it is stored. */
export const lookupColumns = ["event", "known", "row"] as const;

/** The steps of a lookup in a relation, with the columns that are read of it. */
export const stepsSql = (
  lookup: LookupSpec,
  columns: ReadonlyArray<LookedUpAst>,
  relation: string,
): string => {
  const names = [...new Set(columns.map(({ name }) => name))];
  const row = `{${names.map((name) => `${literal(name)}: ${identifier(name)}`).join(", ")}}`;
  const keys = lookup.by.map((_, index) => key(index));
  const partition = keys.length === 0 ? "" : `PARTITION BY ${keys.join(", ")} `;
  // Of one event, a later hop is the later word on it.
  return `FROM (${newestSql(lookup, row, relation)})
    QUALIFY "~event" = max("~event") OVER (${partition}ORDER BY "~hop" ROWS UNBOUNDED PRECEDING)`;
};

/** Joins steps to rows decided at an instant. */
export const stepsJoin = (
  { by, hopMs }: LookupSpec,
  alias: string,
  names: SqlNames & { readonly decidedAt: string },
): string => {
  const on = by.map(({ equals }, index) => `${columnSql(equals, names)} = ${alias}.${key(index)}`);
  return `ASOF LEFT JOIN ${alias} ON ${[...on, `${hopOf(names.decidedAt, hopMs)} > ${alias}."~hop"`].join(" AND ")}`;
};

/** A column of the row that was found, unless it is too old. */
export const foundSql = (
  { toleranceMs, hopMs }: LookupSpec,
  alias: string,
  column: string,
  decidedAt: string,
): string => {
  const oldest = `(${hopOf(decidedAt, hopMs)} - ${toleranceMs / hopMs}) * ${hopMs}`;
  return `(CASE WHEN ${alias}."~event" >= ${oldest} THEN struct_extract(${alias}."~row", ${literal(column)}) END)`;
};

/** The buckets of a lookup as a store keeps them: the entity, the hop, and {@link lookupColumns}. */
export const lookupBucketSql = ({ spec, columns }: LookupRows, relation: string): string => {
  const cells = columns.map((column) => cellSql(withoutLookup(column)));
  const keys = spec.by.map((_, index) => key(index));
  const values = lookupColumns.map((name) => `"~${name}" AS ${lookupColumn(name)}`);
  return `SELECT ${[...keys, `"~hop"`, ...values].join(", ")} FROM (${newestSql(spec, `CAST(json_array(${cells.join(", ")}) AS VARCHAR)`, relation)})`;
};

/** The column of a bucket. */
export const lookupColumn = (name: (typeof lookupColumns)[number]): string => `"~0 ${name}"`;

/** A column of the other table, seen from there. */
export const withoutLookup = (ast: Ast): Ast => {
  if (ast._tag !== "column") return ast;
  const { of: _, ...column } = ast;
  return column;
};

/** The newest row of each entity and hop in which rows became known; `row` says what is kept of it. */
const newestSql = (lookup: LookupSpec, row: string, relation: string): string => {
  const { contract, by, knownAt, hopMs } = lookup;
  const decidedAt = contract.eventTime ?? "";
  const event = toSql({ _tag: "column", name: decidedAt, type: "timestamp" });
  const claimed = toSql(knownAt);
  const known = knownSql({ decidedAt }, claimed);
  // Of rows that were known before their event, such as forecasts, what they claim tells which came last.
  const [eventMs, knownMs] = [event, claimed].map((sql) => `epoch_ms(${sql})`);
  // To the millisecond, as a service has it; then as finely as the table says.
  const exact = [...new Set([decidedAt, ...columnsOf(knownAt)])].map((name) => identifier(name));
  const order = `ROW(${[eventMs, knownMs, ...exact].join(", ")})`;
  const usable = [...by.map(({ column }) => identifier(column)), event, known];
  return [
    `SELECT ${[
      ...by.map(({ column }, index) => `${identifier(column)} AS ${key(index)}`),
      `${hopOf(known, hopMs)} AS "~hop"`,
      `max(${eventMs}) AS "~event"`,
      `arg_max(${knownMs}, ${order}) AS "~known"`,
      `arg_max(${row}, ${order}) AS "~row"`,
    ].join(", ")}`,
    `FROM ${relation} WHERE ${usable.map((sql) => `${sql} IS NOT NULL`).join(" AND ")} GROUP BY ALL`,
  ].join(" ");
};

/** A value as JSON has it: instants in milliseconds, yes and no as 1 and 0. */
const cellSql = (column: Ast): string => {
  const sql = toSql(column);
  switch (kindOf(column)) {
    case "boolean":
      return `CAST(${sql} AS INTEGER)`;
    case "time":
      return `epoch_ms(${sql})`;
    case "list": {
      const held = column._tag === "column" ? heldBy(column) : "float";
      if (held === "boolean") return `CAST(${sql} AS INTEGER[])`;
      return held === "timestamp" ? `list_transform(${sql}, lambda "~t": epoch_ms("~t"))` : sql;
    }
    default:
      return sql;
  }
};
