/**
 * Which kind of value an expression has, and whether it fits together. TypeScript checks what is
 * written in a pipeline; this checks what is read from a file or was cast.
 */
import type { Ast } from "../Expr.ts";
import { type Kind, operators } from "./operators.ts";

/** The kind of an expression's value, if it fits together. */
export const kindOf = (ast: Ast): Kind => {
  switch (ast._tag) {
    case "column":
      return columnKinds[ast.type];
    case "literal":
      return ast.value === null ? "null" : literalKind(ast.value);
    case "history":
      return "number";
    case "call": {
      const { gives } = operators[ast.operator];
      return gives === "same" ? sharedKind(ast.args) : gives;
    }
  }
};

/** The kinds that a call's arguments must have, with `same` made definite. */
export const argumentKinds = (call: Extract<Ast, { _tag: "call" }>): ReadonlyArray<Kind> =>
  operators[call.operator].takes.map((kind) => (kind === "same" ? sharedKind(call.args) : kind));

/** What does not fit together in an expression that should have one of `kinds`; empty if it is sound. */
export const problemsOf = (ast: Ast, kinds: ReadonlyArray<Kind>): ReadonlyArray<string> => {
  const kind = kindOf(ast);
  return [
    ...(kind === "null" || kinds.includes(kind)
      ? []
      : [
          `${describe(ast)} is ${names[kind]} where ${kinds.map((one) => names[one]).join(" or ")} is expected`,
        ]),
    ...inside(ast),
  ];
};

const inside = (ast: Ast): ReadonlyArray<string> => {
  switch (ast._tag) {
    case "call": {
      const { takes } = operators[ast.operator];
      if (ast.args.length !== takes.length) {
        return [`${ast.operator} takes ${takes.length} arguments, not ${ast.args.length}`];
      }
      const kinds = argumentKinds(ast);
      return ast.args.flatMap((arg, index) => problemsOf(arg, [kinds[index] ?? "null"]));
    }
    case "history": {
      const nested = [ast.of, ast.knownAt].some(hasHistory);
      return [
        ...(nested ? ["a history inside a history is not supported"] : []),
        ...problemsOf(ast.of, ["number", "boolean"]),
        ...problemsOf(ast.knownAt, ["time"]),
      ];
    }
    default:
      return [];
  }
};

const hasHistory = (ast: Ast): boolean =>
  ast._tag === "history" || (ast._tag === "call" && ast.args.some(hasHistory));

const sharedKind = (args: ReadonlyArray<Ast>): Kind =>
  args.map(kindOf).find((kind) => kind !== "null") ?? "null";

const literalKind = (value: string | number | boolean): Kind =>
  typeof value === "string" ? "text" : typeof value === "number" ? "number" : "boolean";

const columnKinds = {
  boolean: "boolean",
  int: "number",
  float: "number",
  string: "text",
  timestamp: "time",
} as const;

const names = {
  number: "a number",
  boolean: "yes or no",
  text: "text",
  time: "an instant",
  null: "nothing",
} as const;

const describe = (ast: Ast): string => {
  switch (ast._tag) {
    case "column":
      return `column "${ast.name}"`;
    case "literal":
      return JSON.stringify(ast.value);
    case "history":
      return `a history by ${ast.by.join(", ")}`;
    case "call":
      return ast.operator;
  }
};
