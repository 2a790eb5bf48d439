/** Expressions as text, for a person who compares two of them. */
import type { LookupSpec } from "../Lookup.ts";
import type { Ast } from "./ast.ts";

/** `greaterThan(delay, 15)`; a history with its window and entity. */
export const textOf = (ast: Ast): string => {
  switch (ast._tag) {
    case "column":
      return [...(ast.of === undefined ? [] : [ast.of]), ast.name, ...(ast.path ?? [])].join(".");
    case "literal":
      return JSON.stringify(ast.value);
    case "call": {
      const params = (ast.params ?? []).map((param) => JSON.stringify(param));
      return `${ast.operator}(${[...ast.args.map(textOf), ...params].join(", ")})`;
    }
    case "history": {
      const param = ast.param === undefined ? "" : `(${ast.param})`;
      const by = ast.by.length === 0 ? "all rows" : ast.by.join(", ");
      return `${ast.aggregate}${param} of ${textOf(ast.of)} by ${by}, known at ${textOf(ast.knownAt)}, over ${lengthOf(ast.windowMs)} in steps of ${lengthOf(ast.hopMs)}`;
    }
  }
};

/** `the newest weather by airport = origin, known at loadedAt, at most 6 h old in steps of 1 h`. */
export const lookupText = ({ contract, by, knownAt, toleranceMs, hopMs }: LookupSpec): string => {
  const keys = by.map(({ column, equals }) => `${column} = ${equals}`);
  const of = keys.length === 0 ? "" : ` by ${keys.join(", ")}`;
  return `the newest ${contract.name}${of} by ${contract.eventTime}, known at ${textOf(knownAt)}, at most ${lengthOf(toleranceMs)} old in steps of ${lengthOf(hopMs)}`;
};

const units: ReadonlyArray<readonly [millis: number, name: string]> = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** A length of time in its largest whole unit: `28 d`. */
export const lengthOf = (millis: number): string => {
  const [size, name] = units.find(([size]) => millis !== 0 && millis % size === 0) ?? [1, "ms"];
  return `${millis / size} ${name}`;
};
