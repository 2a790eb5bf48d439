/** Expressions as data. */
import { Column } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { type AggregateName, aggregateNames } from "./aggregates.ts";
import { operatorNames } from "./operators.ts";
import type { Param } from "./operators/Operator.ts";

/** The operators. What each means stands in one place for both compilers: see `internal/operators`. */
export const OperatorName = Schema.Literals(operatorNames);
/** See {@link OperatorName}. */
export type OperatorName = typeof OperatorName.Type;

/** A column, or a part of one: structs are read field by field. */
export interface ColumnAst {
  readonly _tag: "column";
  readonly name: string;
  /** The lookup whose row it is of; without one, it is of the row itself. */
  readonly of?: string;
  readonly type: Exclude<Column.ColumnType, "struct">;
  /** Where in the column: a field of a struct, a place in a list (from 0). */
  readonly path?: ReadonlyArray<string | number>;
  /** What a list holds; an embedding holds floats. */
  readonly items?: Column.ScalarType;
  /** How many numbers an embedding has. */
  readonly size?: number;
}

/** An aggregate over earlier rows of the same entity: see `History`. */
export interface HistoryAst {
  readonly _tag: "history";
  readonly aggregate: AggregateName;
  /** Of a quantile its share; of what decays its half-life in milliseconds. */
  readonly param?: number;
  /** The columns that identify the entity. */
  readonly by: ReadonlyArray<string>;
  /** What is aggregated; ignored by `count`. */
  readonly of: Ast;
  /** When the aggregated value of a row becomes known. */
  readonly knownAt: Ast;
  /** Length of the window, a multiple of `hopMs`. */
  readonly windowMs: number;
  /** The window ends at the last full hop before the row's own time. */
  readonly hopMs: number;
}

/** An expression as data. */
export type Ast =
  | ColumnAst
  | { readonly _tag: "literal"; readonly value: string | number | boolean | null }
  | {
      readonly _tag: "call";
      readonly operator: OperatorName;
      readonly args: ReadonlyArray<Ast>;
      /** Constants that the operator is set up with, such as a time zone. */
      readonly params?: ReadonlyArray<Param>;
    }
  | HistoryAst;

/** The schema of {@link Ast}. */
export const Ast: Schema.Codec<Ast> = Schema.Union([
  Schema.TaggedStruct("column", {
    name: Schema.String,
    of: Schema.optionalKey(Schema.String),
    type: Schema.Literals([...Column.ScalarType.literals, "list", "embedding"]),
    path: Schema.optionalKey(
      Schema.Array(
        Schema.Union([Schema.String, Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))]),
      ),
    ),
    items: Schema.optionalKey(Column.ScalarType),
    size: Schema.optionalKey(Schema.Int),
  }),
  Schema.TaggedStruct("literal", {
    value: Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null]),
  }),
  Schema.TaggedStruct("call", {
    operator: OperatorName,
    args: Schema.Array(Schema.suspend((): Schema.Codec<Ast> => Ast)),
    params: Schema.optionalKey(
      Schema.Array(Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])),
    ),
  }),
  Schema.TaggedStruct("history", {
    aggregate: Schema.Literals(aggregateNames),
    param: Schema.optionalKey(Schema.Finite),
    by: Schema.Array(Schema.String),
    of: Schema.suspend((): Schema.Codec<Ast> => Ast),
    knownAt: Schema.suspend((): Schema.Codec<Ast> => Ast),
    windowMs: Schema.Int.check(Schema.isGreaterThan(0)),
    hopMs: Schema.Int.check(Schema.isGreaterThan(0)),
  }),
]);

/** The names of the row's own columns that an expression reads, those of its histories included. */
export const columnsOf = (ast: Ast): ReadonlySet<string> => {
  switch (ast._tag) {
    case "column":
      return new Set(ast.of === undefined ? [ast.name] : []);
    case "literal":
      return new Set();
    case "call":
      return new Set(ast.args.flatMap((arg) => [...columnsOf(arg)]));
    case "history":
      return new Set([...ast.by, ...columnsOf(ast.of), ...columnsOf(ast.knownAt)]);
  }
};

/** The histories inside an expression. */
export const historiesOf = (ast: Ast): ReadonlyArray<HistoryAst> => {
  switch (ast._tag) {
    case "history":
      return [ast];
    case "call":
      return ast.args.flatMap(historiesOf);
    default:
      return [];
  }
};

/** The columns of looked-up rows that an expression reads. */
export const lookedUp = (ast: Ast): ReadonlyArray<LookedUpAst> => {
  switch (ast._tag) {
    case "column":
      return isLookedUp(ast) ? [ast] : [];
    case "call":
      return ast.args.flatMap(lookedUp);
    case "history":
      return [...lookedUp(ast.of), ...lookedUp(ast.knownAt)];
    default:
      return [];
  }
};

/** A column of a looked-up row. */
export type LookedUpAst = ColumnAst & { readonly of: string };

const isLookedUp = (ast: ColumnAst): ast is LookedUpAst => ast.of !== undefined;
