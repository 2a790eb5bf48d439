/**
 * Which kind of value an expression has, and whether it fits together. TypeScript checks what is
 * written in a pipeline; this checks what is read from a file or was cast.
 */
import type { Column } from "@ml-pipe/core";
import type { Ast } from "../Expr.ts";
import type { ColumnAst } from "./ast.ts";
import { operators } from "./operators.ts";
import type { Kind } from "./operators/Operator.ts";

type Call = Extract<Ast, { _tag: "call" }>;

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
      return gives === "same" ? sharedKind(sameArgs(ast)) : gives;
    }
  }
};

/** The kinds that a call's arguments must have, with `same` made definite. */
export const argumentKinds = (call: Call): ReadonlyArray<Kind> =>
  operators[call.operator].takes.map((kind) => (kind === "same" ? ofSame(call) : kind));

/** The kind that the arguments share; where all of them are missing, that of the constants or the list. */
const ofSame = (call: Call): Kind => {
  const shared = sharedKind(sameArgs(call));
  const [list] = call.args;
  if (shared === "null" && operators[call.operator].takes[0] === "list") {
    return list?._tag === "column" ? columnKinds[heldBy(list)] : shared;
  }
  const [param] = call.params ?? [];
  return shared === "null" &&
    operators[call.operator].paramsLikeFirst === true &&
    param !== undefined
    ? literalKind(param)
    : shared;
};

/** The arguments whose kind is the same, whatever it is. */
const sameArgs = ({ operator, args }: Call): ReadonlyArray<Ast> =>
  args.filter((_, index) => operators[operator].takes[index] === "same");

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
      return [
        ...listProblems(ast, kinds),
        ...paramProblems(ast, kinds[0]),
        ...ast.args.flatMap((arg, index) => problemsOf(arg, [kinds[index] ?? "null"])),
      ];
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

/** Lists are columns: what they hold is known, and there is no operator that makes one. */
const listProblems = (call: Call, kinds: ReadonlyArray<Kind>): ReadonlyArray<string> => {
  const { takes, vectors } = operators[call.operator];
  const held = call.args.flatMap((arg, index) => {
    if (kinds[index] !== "list") return [];
    return arg._tag === "column" ? [arg] : [undefined];
  });
  if (held.length === 0) return [];
  const sizes = new Set(held.flatMap((list) => list?.size ?? []));
  const [first] = held;
  const holds = first === undefined ? undefined : columnKinds[heldBy(first)];
  const item = call.args[takes.indexOf("same")];
  return [
    ...(held.includes(undefined) ? [`${call.operator} takes columns of lists`] : []),
    ...(takes.includes("list") || call.operator === "isNull"
      ? []
      : [`${call.operator} is not for lists`]),
    ...(vectors === true && held.some((list) => list && columnKinds[heldBy(list)] !== "number")
      ? [`${call.operator} takes lists of numbers`]
      : []),
    ...(vectors === true && sizes.size > 1
      ? [`${call.operator} of embeddings of ${[...sizes].join(" and ")} numbers`]
      : []),
    ...(item !== undefined && takes.includes("list") && holds !== undefined
      ? [kindOf(item)]
          .filter((kind) => kind !== "null" && kind !== holds)
          .map((kind) => `${names[kind]} is never in a list that holds ${names[holds]}`)
      : []),
  ];
};

/** What a list holds. */
export const heldBy = ({ items }: Pick<ColumnAst, "items">): Column.ScalarType => items ?? "float";

const paramProblems = (
  { operator, params = [] }: Call,
  first: Kind | undefined,
): ReadonlyArray<string> => {
  const { problem, paramsLikeFirst } = operators[operator];
  const wrong =
    problem === undefined
      ? params.length === 0
        ? undefined
        : "takes no constants"
      : problem(params);
  if (wrong !== undefined) return [`${operator} ${wrong}`];
  if (paramsLikeFirst !== true || first === "null") return [];
  return params.flatMap((param) =>
    literalKind(param) === first
      ? []
      : [
          `${JSON.stringify(param)} is ${names[literalKind(param)]} where ${names[first ?? "null"]} is expected`,
        ],
  );
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
  list: "list",
  embedding: "list",
} as const;

const names = {
  number: "a number",
  boolean: "yes or no",
  text: "text",
  time: "an instant",
  list: "a list",
  null: "nothing",
} as const;

const describe = (ast: Ast): string => {
  switch (ast._tag) {
    case "column":
      return `column "${ast.of === undefined ? "" : `${ast.of}.`}${ast.name}"`;
    case "literal":
      return JSON.stringify(ast.value);
    case "history":
      return `a history by ${ast.by.join(", ")}`;
    case "call":
      return ast.operator;
  }
};
