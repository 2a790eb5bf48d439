/** The compiler of expressions to SQL, for a batch. `rowProgram.ts` is the one for a request. */
import { identifier, literal } from "../Duckdb.ts";
import type { Ast, HistoryAst } from "../Expr.ts";
import { argumentKinds, kindOf } from "./kinds.ts";
import { magnitude } from "./magnitude.ts";
import { operators } from "./operators.ts";
import { finiteSql, type Kind, numberSql } from "./operators/Operator.ts";

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
    case "call": {
      const kinds = argumentKinds(ast);
      const { sql: callSql, coarse = false } = operators[ast.operator];
      const args = ast.args.map((arg, index) => {
        if (coarse && arg._tag === "column") return instantSql(arg.name, names);
        const sql = toSql(arg, names);
        // DuckDB cannot choose a function for a null of no type.
        return kindOf(arg) === "null" ? `CAST(${sql} AS ${sqlTypes[kinds[index] ?? "null"]})` : sql;
      });
      return callSql(args, ast.params ?? [], magnitude(ast) < Number.MAX_VALUE);
    }
    case "history":
      if (names.history === undefined) throw new TypeError("a history cannot be used here");
      return names.history(ast);
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
