/** What a contract promises, in words. */
import type { CheckSpec } from "../Check.ts";
import type { ColumnSpec } from "../Column.ts";
import * as Digest from "../Digest.ts";

/**
 * An expectation in words: what its author said, else what is checked.
 *
 * @example
 * ```ts
 * import { Contract } from "@ml-pipe/core";
 *
 * const text = Contract.expectationText({
 *   kind: "mean", name: "dose.mean", columns: ["dose"], args: { atMost: 5 }, severity: "warn",
 * }); // "mean of dose (at most 5)"
 * ```
 */
export const expectationText = (check: CheckSpec): string => {
  const { kind, columns, args, mostly, where, description } = check;
  const limits = Object.entries(args).map(([name, value]) => `${spaced(name)} ${valueText(value)}`);
  const of = columns.length === 0 ? "" : ` of ${columns.join(", ")}`;
  const said = description ?? `${kind}${of}${limits.length === 0 ? "" : ` (${limits.join(", ")})`}`;
  return [
    said,
    ...(mostly === undefined ? [] : [`for ${percent(mostly)} of the rows at least`]),
    ...(where === undefined ? [] : [`where ${where}`]),
  ].join(", ");
};

/** A column's type in words: `list of string`, `struct of city, floor`, `embedding of 384`. */
export const typeText = ({ type, items, fields, size }: ColumnSpec): string => {
  const of =
    items?.type ?? size ?? (fields === undefined ? undefined : Object.keys(fields).join(", "));
  return of === undefined ? type : `${type} of ${of}`;
};

/** `atMost` is `at most`. */
const spaced = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const valueText = (value: CheckSpec["args"][string]): string =>
  typeof value === "string" ? value : Digest.canonicalJson(value);

/** `99.5 %`, without the noise of binary fractions. */
const percent = (share: number): string => `${Number((share * 100).toPrecision(12))} %`;

/**
 * The limits of a column's values in words; empty if it has none.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 *
 * const text = Contract.limitsText(Column.int({ min: 0, max: 9 }).spec); // ["0 to 9"]
 * ```
 */
export const limitsText = ({ min, max, values, pattern }: ColumnSpec): ReadonlyArray<string> => [
  ...(min !== undefined && max !== undefined
    ? [`${min} to ${max}`]
    : min !== undefined
      ? [`at least ${min}`]
      : max !== undefined
        ? [`at most ${max}`]
        : []),
  ...(values === undefined ? [] : [`one of ${values.join(", ")}`]),
  ...(pattern === undefined ? [] : [`matches ${pattern}`]),
];
