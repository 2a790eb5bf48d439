/** The two compilers of expressions: to SQL for a batch, to a closure for one row. */
import { identifier, literal } from "../Duckdb.ts";
import type { Ast, HistoryAst } from "../Expr.ts";
import { argumentKinds, kindOf } from "./kinds.ts";
import { magnitude } from "./magnitude.ts";
import { operators } from "./operators.ts";
import { finiteSql, type Kind, numberSql, type Scalar } from "./operators/Operator.ts";

/** A row as the closures read it: instants are epoch milliseconds. */
export type ScalarRow = { readonly [column: string]: Scalar };

/** A value of a decoded request as the closures read it. */
export const scalarOf = (value: unknown): Scalar => {
  if (value instanceof Date) return value.getTime();
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean"
    ? value
    : null;
};

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

const literalSql = (value: Scalar): string =>
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

/** A closure for an expression; `history` looks an earlier aggregate up. */
export const toClosure = (
  ast: Ast,
  history: (ast: HistoryAst) => (row: ScalarRow) => Scalar,
): ((row: ScalarRow) => Scalar) => {
  switch (ast._tag) {
    case "column": {
      const { name } = ast;
      if (ast.type !== "float") return (row) => row[name] ?? null;
      return (row) => {
        const value = row[name] ?? null;
        return typeof value === "number" && !Number.isFinite(value) ? null : value;
      };
    }
    case "literal": {
      const { value } = ast;
      return () => value;
    }
    case "history":
      return history(ast);
    case "call": {
      const { js, nulls = false } = operators[ast.operator];
      const args = ast.args.map((arg) => toClosure(arg, history));
      // The table of operators pairs each closure with its own argument types.
      const apply = js(ast.params ?? []) as (...args: ReadonlyArray<Scalar>) => Scalar;
      const [first, second, ...more] = args;
      if (first === undefined) return () => apply();
      if (second === undefined) {
        return (row) => {
          const a = first(row);
          return a === null && !nulls ? null : apply(a);
        };
      }
      if (more.length === 0) {
        return (row) => {
          const a = first(row);
          const b = second(row);
          return (a === null || b === null) && !nulls ? null : apply(a, b);
        };
      }
      return (row) => {
        const values = args.map((arg) => arg(row));
        return !nulls && values.includes(null) ? null : apply(...values);
      };
    }
  }
};
