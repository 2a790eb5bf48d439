/** The compiler of expressions to SQL, for a batch. `rowProgram.ts` is the one for a request. */
import type { Column } from "@ml-pipe/core";
import { identifier, literal } from "../Duckdb.ts";
import type { Ast, HistoryAst } from "../Expr.ts";
import type { ColumnAst } from "./ast.ts";
import { argumentKinds, heldBy, kindOf } from "./kinds.ts";
import { magnitude } from "./magnitude.ts";
import { operators } from "./operators.ts";
import { comparedSql, finiteSql, type Kind, numberSql } from "./operators/Operator.ts";

/** Where the names in an expression point. */
export interface SqlNames {
  /** The column that holds a history. Without it, a history is a mistake of the caller. */
  readonly history?: (ast: HistoryAst) => string;
  /** A column of a looked-up row. Without it, a lookup is a mistake of the caller. */
  readonly lookedUp?: (lookup: string, column: string) => string;
  /** The relation that the columns are of, where several are joined. */
  readonly table?: string;
}

/** SQL of an expression over columns of one relation. */
export const toSql = (ast: Ast, names: SqlNames = {}): string => {
  switch (ast._tag) {
    case "column":
      return valueSql(ast.type, placeSql(ast, names), heldBy(ast));
    case "literal":
      return literalSql(ast.value);
    case "call":
      return callSql(ast, names);
    case "history":
      if (names.history === undefined) throw new TypeError("a history cannot be used here");
      return names.history(ast);
  }
};

/** A value as expressions have it, from a column or a part of one. */
const valueSql = (type: ColumnAst["type"], place: string, held: Column.ScalarType): string => {
  switch (type) {
    case "int":
      return `CAST(${place} AS DOUBLE)`;
    case "float":
      return finiteSql(`CAST(${place} AS DOUBLE)`);
    case "timestamp":
      return `date_trunc('milliseconds', CAST(${place} AS TIMESTAMP))`;
    case "list":
    case "embedding":
      return held === "string" || held === "boolean"
        ? place
        : `list_transform(${place}, lambda "~x": ${valueSql(held, '"~x"', held)})`;
    default:
      return place;
  }
};

/** A column, or the part of it that is read. */
const placeSql = ({ name, of, path = [] }: ColumnAst, names: SqlNames): string =>
  path.reduce<string>(
    (place, step) =>
      typeof step === "number"
        ? `list_extract(${place}, ${step + 1})`
        : `struct_extract(${place}, ${literal(step)})`,
    of === undefined ? columnSql(name, names) : lookedUpSql(of, name, names),
  );

const lookedUpSql = (lookup: string, name: string, { lookedUp }: SqlNames): string => {
  if (lookedUp === undefined) throw new TypeError("a lookup cannot be used here");
  return lookedUp(lookup, name);
};

type Call = Extract<Ast, { _tag: "call" }>;

const callSql = (call: Call, names: SqlNames): string => {
  const { sql, compares = false } = operators[call.operator];
  const beside = call.args.filter(({ _tag }) => _tag !== "literal").length;
  const args =
    compares && beside === 1
      ? call.args.map((arg, index) => comparedArg(arg, names) ?? argSql(call, index, names))
      : call.args.map((_, index) => argSql(call, index, names));
  return sql(args, call.params ?? [], magnitude(call) < Number.MAX_VALUE);
};

/** An argument of a call. */
const argSql = (call: Call, index: number, names: SqlNames): string => {
  const arg = call.args[index] ?? { _tag: "literal", value: null };
  if (operators[call.operator].coarse === true && arg._tag === "column") {
    return `CAST(${placeSql(arg, names)} AS TIMESTAMP)`;
  }
  const sql = toSql(arg, names);
  if (kindOf(arg) !== "null") return sql;
  // DuckDB cannot choose a function for a null of no type.
  return `CAST(${sql} AS ${sqlTypes[argumentKinds(call)[index] ?? "null"]})`;
};

/** A whole number as SQL compares it with a constant; `undefined` for what is none. */
const comparedArg = (arg: Ast, names: SqlNames): string | undefined => {
  switch (arg._tag) {
    case "column":
      return arg.type === "int" ? placeSql(arg, names) : undefined;
    case "literal":
      return typeof arg.value === "number" ? comparedSql(arg.value) : undefined;
    case "call":
      return operators[arg.operator].wholeSql?.(
        arg.args.map((_, index) => argSql(arg, index, names)),
        arg.params ?? [],
      );
    case "history":
      return undefined;
  }
};

/** The moment of a decision as an expression: null where the rows have none. */
export const decisionTime = ({ decidedAt }: { readonly decidedAt?: string }): Ast =>
  decidedAt === undefined
    ? { _tag: "literal", value: null }
    : { _tag: "column", name: decidedAt, type: "timestamp" };

/** A column's identifier, qualified if its relation is named. */
export const columnSql = (name: string, { table }: SqlNames = {}): string =>
  table === undefined ? identifier(name) : `${table}.${identifier(name)}`;

const literalSql = (value: string | number | boolean | null): string =>
  typeof value === "string"
    ? literal(value)
    : typeof value === "number"
      ? numberSql(value)
      : String(value);

const sqlTypes: { readonly [K in Kind]: string } = {
  number: "DOUBLE",
  boolean: "BOOLEAN",
  text: "VARCHAR",
  time: "TIMESTAMP",
  list: "DOUBLE[]",
  null: "DOUBLE",
};
