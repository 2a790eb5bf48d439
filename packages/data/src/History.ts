/**
 * Histories: aggregates over earlier rows of the same entity, as they could be known at the decision.
 *
 * Two times matter: when a row's decision is made and when its outcome becomes known. A history takes
 * in only outcomes known before the last full hop before the decision, so no row ever sees its own or a
 * later outcome. The window is half-open: `[hopStart(t) − window, hopStart(t))`, where `hopStart` rounds
 * down to whole hops since 1970-01-01 UTC. It is the same for a batch and for a request.
 */
import * as Duration from "effect/Duration";
import * as Schema from "effect/Schema";
import {
  type Ast,
  Ast as AstSchema,
  type Expr,
  type HistoryAst,
  number,
  type NumberExpr,
} from "./Expr.ts";
import { aggregateOf } from "./internal/aggregates.ts";
import {
  type Buckets,
  EntityBuckets,
  entityIndex,
  firstAtOrAfter,
} from "./internal/historyIndex.ts";
import { hopsProblem } from "./internal/hops.ts";
import { problemsOf } from "./internal/kinds.ts";
import { type Request, toCell } from "./internal/rowProgram.ts";

/** How a history is taken. */
export interface HistoryOptions {
  /** Columns that identify the entity; known at the decision. None: all rows are one entity. */
  readonly by: ReadonlyArray<Expr<string | number | boolean, "decision">>;
  /** When a row's outcome becomes known; never before the row's own decision, whatever this says. */
  readonly knownAt: Expr<Date>;
  readonly window: Duration.Input;
  /** Resolution of the window's ends. Must divide `window`. */
  readonly hop: Duration.Input;
}

const make = (
  aggregate: HistoryAst["aggregate"],
  of: Ast,
  options: HistoryOptions,
  param?: number,
): NumberExpr<"stored"> => {
  const [windowMs = 0, hopMs = 0] = [options.window, options.hop].map((input) =>
    Duration.toMillis(Duration.fromInputUnsafe(input)),
  );
  const [notHops] = hopsProblem("a history's window", windowMs, hopMs);
  if (notHops !== undefined) throw new TypeError(notHops);
  const by = options.by.map(({ ast, availableAt }) => {
    if (ast._tag !== "column" || ast.path !== undefined) {
      throw new TypeError("a history is taken by whole columns, not by formulas");
    }
    if (availableAt !== "decision" || ast.type === "timestamp") {
      throw new TypeError(
        `a history cannot be taken by "${ast.name}": the entity must be known at the decision, and not be an instant`,
      );
    }
    return ast.name;
  });
  const knownAt = options.knownAt.ast;
  const history: HistoryAst = {
    _tag: "history",
    aggregate,
    ...(param === undefined ? {} : { param }),
    by,
    of,
    knownAt,
    windowMs,
    hopMs,
  };
  const [problem] = problemsOf(history, ["number"]);
  if (problem !== undefined) throw new TypeError(`a history does not fit together: ${problem}`);
  return number(history, "stored");
};

/**
 * The mean of an expression over earlier rows of the same entity whose outcome was known by then; a
 * yes/no expression counts as 1 and 0. Null if there are none. The expression may use outcome columns:
 * only outcomes that were already known enter.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Expr, History } from "@ml-pipe/data";
 *
 * const Flight = Contract.make("flight", {
 *   version: "1", owner: "operations",
 *   columns: {
 *     date: Column.timestamp(), origin: Column.string(), distance: Column.int({ unit: "mi" }),
 *     delay: Column.int({ unit: "min", availableAt: "outcome" }),
 *   },
 * });
 * const $ = Expr.columns(Flight);
 * const lateLately = History.mean($.delay.gt(15), {
 *   by: [$.origin], knownAt: $.date.plusMinutes($.distance.dividedBy(6)), window: "6 hours", hop: "1 hour",
 * });
 * ```
 */
export const mean = (of: Expr<number | boolean>, options: HistoryOptions): NumberExpr<"stored"> =>
  make("mean", of.ast, options);

type Numbers = Expr<number | boolean>;

/** The number of earlier rows of the same entity whose outcome was known by then: 0 if none. */
export const count = (options: HistoryOptions): NumberExpr<"stored"> =>
  make("count", { _tag: "literal", value: 1 }, options);

/** The sum, as {@link mean}; null if there are none. */
export const sum = (of: Numbers, options: HistoryOptions): NumberExpr<"stored"> =>
  make("sum", of.ast, options);

/** The smallest value, as {@link mean}. */
export const min = (of: Numbers, options: HistoryOptions): NumberExpr<"stored"> =>
  make("min", of.ast, options);

/** The largest value, as {@link mean}. */
export const max = (of: Numbers, options: HistoryOptions): NumberExpr<"stored"> =>
  make("max", of.ast, options);

/** The variance with n − 1, as {@link mean}; null if there are fewer than two. Its root: `.sqrt()`. */
export const variance = (of: Numbers, options: HistoryOptions): NumberExpr<"stored"> =>
  make("variance", of.ast, options);

/** The number of different values, exactly: 0 if there are none. A service keeps each once a hop. */
export const distinct = (of: Numbers, options: HistoryOptions): NumberExpr<"stored"> =>
  make("distinct", of.ast, options);

/**
 * The number of different values by a sketch (HyperLogLog with 2,048 registers): 0 if there are none. A
 * service keeps at most 2,048 small numbers a hop, however many values there are. The standard error is
 * 2.3 % (1.04 / √2048; Flajolet et al. 2007); few values are counted almost exactly.
 */
export const distinctSketch = (of: Numbers, options: HistoryOptions): NumberExpr<"stored"> =>
  make("distinctSketch", of.ast, options);

/** The value of the earliest row, as {@link mean}; of rows of one instant, the smallest. */
export const first = (of: Numbers, options: HistoryOptions): NumberExpr<"stored"> =>
  make("first", of.ast, options);

/** The value of the latest row, as {@link mean}; of rows of one instant, the largest. */
export const last = (of: Numbers, options: HistoryOptions): NumberExpr<"stored"> =>
  make("last", of.ast, options);

/**
 * A quantile, as {@link mean}: `share` 0.5 is the median. Linear interpolation (type 7 of Hyndman and
 * Fan, "Sample Quantiles in Statistical Packages", 1996). Exact: a service keeps all values of the
 * window.
 */
export const quantile = (
  of: Numbers,
  { share, ...options }: HistoryOptions & { readonly share: number },
): NumberExpr<"stored"> => {
  if (!(share >= 0 && share <= 1)) {
    throw new TypeError(`a quantile's share is from 0 to 1, not ${share}`);
  }
  return make("quantile", of.ast, options, share);
};

/** How fast a history forgets. */
export interface DecayOptions extends HistoryOptions {
  /** What is this much older than the newest hop counts half. */
  readonly halfLife: Duration.Input;
}

/** The exponentially weighted sum, as {@link mean}; 0 if there are none. */
export const decayedSum = (of: Numbers, options: DecayOptions): NumberExpr<"stored"> =>
  decaying("decayedSum", of, options);

/** The exponentially weighted mean, as {@link mean}. */
export const decayedMean = (of: Numbers, options: DecayOptions): NumberExpr<"stored"> =>
  decaying("decayedMean", of, options);

const decaying = (
  aggregate: "decayedSum" | "decayedMean",
  of: Numbers,
  { halfLife, ...options }: DecayOptions,
): NumberExpr<"stored"> => {
  const halfLifeMs = Duration.toMillis(Duration.fromInputUnsafe(halfLife));
  if (!(halfLifeMs > 0 && Number.isFinite(halfLifeMs))) {
    throw new TypeError(`a half-life is a time longer than 0, not ${halfLifeMs} ms`);
  }
  return make(aggregate, of.ast, options, halfLifeMs);
};

/** The buckets of one history that a service needs: aggregates per entity and hop, oldest first. */
export const HistoryState = Schema.Struct({
  history: AstSchema,
  entities: Schema.Array(EntityBuckets),
});
/** See {@link HistoryState}. */
export type HistoryState = typeof HistoryState.Type;

/**
 * Where the buckets of a history are looked up: a state, or whatever finds them by the row's entity; they
 * are `"unavailable"` where nobody can say.
 */
export type HistorySource =
  | HistoryState
  | {
      readonly history: HistoryAst;
      readonly bucketsOf: (row: Request) => Buckets | "unavailable" | undefined;
    };

/**
 * A lookup of a history in a state: the closure that stands for it when one row is served. The hops of
 * each entity come in ascending order, as `Features.stateAt` writes them. Without a state nothing is
 * known, so a count is missing too: it is not 0.
 */
export const lookup = (
  history: HistoryAst,
  state: HistorySource | undefined,
  decidedAt: Ast,
): ((row: Request) => number | null) => {
  if (state === undefined) return () => null;
  const bucketsOf = "bucketsOf" in state ? state.bucketsOf : entityIndex(history.by, state);
  const { windowMs, hopMs, param = Number.NaN } = history;
  const hops = windowMs / hopMs;
  const { fold } = aggregateOf(history.aggregate);
  const time = toCell(decidedAt);
  return (row) => {
    const at = time(row);
    if (typeof at !== "number" || Number.isNaN(at)) return null;
    const found = bucketsOf(row);
    if (found === "unavailable") return null;
    const end = Math.floor(at / hopMs);
    const { hop, column } = found ?? unknownEntity;
    const from = firstAtOrAfter(hop, end - hops);
    return fold({ hop, column, from, to: firstAtOrAfter(hop, end), end, hopMs, param });
  };
};

const nothing = new Float64Array();
const unknownEntity: Buckets = { hop: nothing, column: () => nothing, text: () => undefined };

/** Whether two histories are the same. */
export const same = (a: Ast, b: Ast): boolean => JSON.stringify(a) === JSON.stringify(b);
