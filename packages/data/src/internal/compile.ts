/** The two compilers of expressions: to SQL for a batch, to a closure for one row. */
import { identifier, literal } from "../Duckdb.ts";
import type { Ast, HistoryAst } from "../Expr.ts";
import { operators, type Scalar } from "./operators.ts";

/** A row as the closures read it: instants are epoch milliseconds. */
export type ScalarRow = { readonly [column: string]: Scalar };

/** SQL of an expression over columns of one relation; `history` names the column of a history. */
export const toSql = (ast: Ast, history: (ast: HistoryAst) => string): string => {
  switch (ast._tag) {
    case "column":
      return ast.type === "int" || ast.type === "float"
        ? `CAST(${identifier(ast.name)} AS DOUBLE)`
        : ast.type === "timestamp"
          ? `date_trunc('milliseconds', CAST(${identifier(ast.name)} AS TIMESTAMP))`
          : identifier(ast.name);
    case "literal":
      return typeof ast.value === "string"
        ? literal(ast.value)
        : typeof ast.value === "number"
          ? `CAST(${ast.value} AS DOUBLE)`
          : String(ast.value);
    case "call":
      return operators[ast.operator].sql(...ast.args.map((arg) => toSql(arg, history)));
    case "history":
      return history(ast);
  }
};

/** A closure for an expression; `history` looks an earlier aggregate up. */
export const toClosure = (
  ast: Ast,
  history: (ast: HistoryAst) => (row: ScalarRow) => Scalar,
): ((row: ScalarRow) => Scalar) => {
  switch (ast._tag) {
    case "column": {
      const { name } = ast;
      return (row) => row[name] ?? null;
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
      const apply = js as (...args: ReadonlyArray<Scalar>) => Scalar;
      const [first, second] = args;
      if (first === undefined) return () => null;
      if (second === undefined) {
        return (row) => {
          const a = first(row);
          return a === null && !nulls ? null : apply(a);
        };
      }
      return (row) => {
        const a = first(row);
        const b = second(row);
        return (a === null || b === null) && !nulls ? null : apply(a, b);
      };
    }
  }
};
