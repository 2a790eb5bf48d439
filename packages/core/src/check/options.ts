/** What every check can be told, and how a check is made of it. */
import type * as Schema from "effect/Schema";
import type { Severity } from "../Finding.ts";
import type { Check, CheckSpec } from "./CheckSpec.ts";

/** What any check can be told. */
export interface Options {
  /** Unique in a table. Default: the columns and the kind, such as `delay.mean`. */
  readonly name?: string;
  /** A condition in SQL: only rows for which it is true count, such as `"country = 'DE'"`. */
  readonly where?: string;
  /** `fail`, the default, stops the hand-over or sets rows aside; `warn` and `info` only tell. */
  readonly severity?: Severity;
  /** The team that answers for its findings. Default: the contract's owner. */
  readonly owner?: string;
  /** Why it matters, for those who read the findings. */
  readonly description?: string;
}

/** What a check of single rows can be told. */
export interface RowOptions extends Options {
  /**
   * The share of the rows, 0 to 1, that must pass. Rows that fail within it stay where they are; below
   * it the hand-over stops. Without it, every row that fails is set aside.
   */
  readonly mostly?: number;
}

/** Inclusive limits of a value. */
export type Limits<T = number> =
  | {
      readonly atLeast: T;
      readonly atMost?: undefined;
      readonly between?: undefined;
      readonly equals?: undefined;
    }
  | {
      readonly atMost: T;
      readonly atLeast?: undefined;
      readonly between?: undefined;
      readonly equals?: undefined;
    }
  | {
      readonly between: readonly [T, T];
      readonly atLeast?: undefined;
      readonly atMost?: undefined;
      readonly equals?: undefined;
    }
  | {
      readonly equals: T;
      readonly atLeast?: undefined;
      readonly atMost?: undefined;
      readonly between?: undefined;
    };

/**
 * Limits of a figure relative to the same figure of a reference: a table that `Validate.table` is given
 * under `references`, such as the batch before, by the name of its contract. The figure may differ from the
 * reference's by a share of that (`within`: 0.1 is 10 % more or less) or by so much in its own unit (`by`).
 */
export type RelativeLimits = {
  readonly relativeTo: { readonly name: string };
} & (
  | { readonly within: number; readonly by?: undefined }
  | { readonly by: number; readonly within?: undefined }
);

/** Limits of a figure: fixed, or relative to a reference. */
export type FigureLimits = Limits | RelativeLimits;

/** Parameters of a kind, as they are stored. */
export type Args = { readonly [name: string]: Schema.Json };

/** A check of a kind. Throws a `TypeError` if `mostly` is no share. */
export const make = <Row>(
  kind: string,
  columns: ReadonlyArray<string>,
  options: RowOptions = {},
  args: Args = {},
  qualifier = "",
): Check<Row> => {
  const { mostly, where, owner, description } = options;
  const name = options.name ?? `${columns.join(",") || "table"}.${kind}${qualifier}`;
  if (mostly !== undefined) requireShare(name, "mostly", mostly);
  const spec: CheckSpec = {
    kind,
    name,
    columns: [...columns],
    args,
    ...(mostly === undefined ? {} : { mostly }),
    ...(where === undefined ? {} : { where }),
    severity: options.severity ?? "fail",
    ...(owner === undefined ? {} : { owner }),
    ...(description === undefined ? {} : { description }),
  };
  return { spec };
};

/**
 * Limits as they are stored: `atLeast` and `atMost`, instants as ISO 8601 text. Throws a `TypeError` on
 * limits that nothing can keep.
 */
export const limits = (kind: string, options: Limits<number | Date>): Args => {
  const { equals, between, atLeast = between?.[0], atMost = between?.[1] } = options;
  const [low, high] = equals === undefined ? [atLeast, atMost] : [equals, equals];
  if (low === undefined && high === undefined) {
    throw new TypeError(`${kind}: say atLeast, atMost, between or equals`);
  }
  if (low !== undefined && high !== undefined && !(low <= high)) {
    throw new TypeError(`${kind}: nothing is between ${String(low)} and ${String(high)}`);
  }
  return {
    ...(low === undefined ? {} : { atLeast: stored(kind, low) }),
    ...(high === undefined ? {} : { atMost: stored(kind, high) }),
  };
};

/** A check that a figure is within limits. One relative to a reference has that in its name. */
export const makeFigure = <Row>(
  kind: string,
  columns: ReadonlyArray<string>,
  options: FigureLimits & Options,
  args: Args = {},
  qualifier = "",
): Check<Row> => {
  const beside = "relativeTo" in options ? `.${options.relativeTo.name}` : "";
  const stored = { ...args, ...figureLimits(kind, options) };
  return make(kind, columns, options, stored, `${qualifier}${beside}`);
};

const figureLimits = (kind: string, options: FigureLimits): Args => {
  if (!("relativeTo" in options)) return limits(kind, options);
  const { relativeTo, within, by } = options;
  const amount = within ?? by;
  if (amount === undefined || !(amount >= 0 && Number.isFinite(amount))) {
    throw new TypeError(
      `${kind}: say within (a share of the reference's figure) or by (in its unit), zero or more`,
    );
  }
  return { contract: relativeTo.name, ...(within === undefined ? { by: amount } : { within }) };
};

const stored = (kind: string, limit: number | Date): number | string => {
  if (!Number.isFinite(Number(limit))) throw new TypeError(`${kind}: ${String(limit)} is no limit`);
  return limit instanceof Date ? limit.toISOString() : limit;
};

/** Throws a `TypeError` unless a number is between 0 and 1. */
export const requireShare = (kind: string, what: string, share: number): void => {
  if (!(share >= 0 && share <= 1)) {
    throw new TypeError(`${kind}: ${what} is a share from 0 to 1, not ${share}`);
  }
};
