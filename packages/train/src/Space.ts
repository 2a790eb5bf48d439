/**
 * Spaces of parameters to search: what each may be. A point of a space is typed by it, so that a trainer
 * takes what the space gives.
 */

/** What a parameter may be. */
export type Value = string | number | boolean;

/** A parameter: one of several values, or a number between two others. */
export type Dimension<A extends Value = Value> =
  | { readonly _tag: "choice"; readonly values: readonly [A, ...ReadonlyArray<A>] }
  | (Range & { readonly _tag: "int" | "float"; readonly "~value"?: A });

/** The two ends, both of them in it. */
export interface Range {
  readonly from: number;
  readonly to: number;
  /** `log`: the ratio of two values counts, not their distance. Default `linear`. */
  readonly scale?: "linear" | "log";
}

/** The parameters by name. */
export type Space = { readonly [name: string]: Dimension };

/** A value for each parameter. */
export type Point<S extends Space> = {
  readonly [K in keyof S]: S[K] extends Dimension<infer A> ? A : never;
};

/**
 * One of these values.
 *
 * @example
 * ```ts
 * import { Space } from "@ml-pipe/train";
 *
 * const link = Space.choice("identity", "log");
 * ```
 */
export const choice = <const A extends Value>(
  first: A,
  ...others: ReadonlyArray<A>
): Dimension<A> => ({
  _tag: "choice",
  values: [first, ...others],
});

/**
 * A whole number. Throws for a range that has none.
 *
 * @example
 * ```ts
 * import { Space } from "@ml-pipe/train";
 *
 * const leaves = Space.int({ from: 4, to: 128, scale: "log" });
 * ```
 */
export const int = (range: Range): Dimension<number> => {
  if (!(Number.isInteger(range.from) && Number.isInteger(range.to))) {
    throw new TypeError(`space: ${range.from} to ${range.to} are not whole numbers`);
  }
  return { _tag: "int", ...checked(range) };
};

/**
 * A number, drawn with four digits. Throws for a range that has none.
 *
 * @example
 * ```ts
 * import { Space } from "@ml-pipe/train";
 *
 * const l2 = Space.float({ from: 1e-3, to: 1e3, scale: "log" });
 * ```
 */
export const float = (range: Range): Dimension<number> => ({ _tag: "float", ...checked(range) });

const checked = (range: Range): Range => {
  const { from, to, scale = "linear" } = range;
  if (!(Number.isFinite(from) && Number.isFinite(to) && from < to)) {
    throw new TypeError(`space: there is nothing from ${from} to ${to}`);
  }
  if (scale === "log" && from <= 0) {
    throw new TypeError(`space: a range with the scale log starts above 0, not at ${from}`);
  }
  return range;
};
