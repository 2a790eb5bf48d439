/** The compiler of expressions to SQL, for a batch. `rowProgram.ts` is the one for a request. */
import { identifier, literal } from "../Duckdb.ts";
import type { Ast, HistoryAst } from "../Expr.ts";
import { argumentKinds, kindOf } from "./kinds.ts";
import { magnitude } from "./magnitude.ts";
import { operators } from "./operators.ts";
import { comparedSql, finiteSql, type Kind, numberSql } from "./operators/Operator.ts";

/** Where the names in an expression point. */
export interface SqlNames {
  /** The column that holds a history. Without it, a history is a mistake of the caller. */
  readonly history?: (ast: HistoryAst) => string;
  /** The relation that the columns are of, where several are joined. */
  readonly table?: string;
}

/** SQL of an expression over columns of one relation. */
export const toSql = (ast: Ast, names: SqlNames = {}): string => {
  switch (ast._tag) {
    case "column": {
      const column = columnSql(ast.name, names);
      return ast.type === "int"
        ? `CAST(${column} AS DOUBLE)`
        : ast.type === "float"
          ? finiteSql(`CAST(${column} AS DOUBLE)`)
          : ast.type === "timestamp"
            ? `date_trunc('milliseconds', ${instantSql(ast.name, names)})`
            : column;
    }
    case "literal":
      return literalSql(ast.value);
    case "call":
      return callSql(ast, names);
    case "history":
      if (names.history === undefined) throw new TypeError("a history cannot be used here");
      return names.history(ast);
  }
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
    return instantSql(arg.name, names);
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
      return arg.type === "int" ? columnSql(arg.name, names) : undefined;
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

const instantSql = (name: string, names: SqlNames): string =>
  `CAST(${columnSql(name, names)} AS TIMESTAMP)`;

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
  null: "DOUBLE",
};
