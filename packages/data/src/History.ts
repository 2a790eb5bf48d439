/**
 * Histories: aggregates over earlier rows of the same entity, as they could be known at the decision.
 *
 * Two times matter: when a row's decision is made and when its outcome becomes known. A history takes
 * in only outcomes known before the last full hop before the decision, so no row ever sees its own or a
 * later outcome. The window is half-open: `[hopStart(t) − window, hopStart(t))`, where `hopStart` rounds
 * down to whole hops since 1970-01-01 UTC. It is the same for a batch and for a request.
 */
import type { Column } from "@ml-pipe/core";
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
import { toClosure, type ScalarRow } from "./internal/compile.ts";
import { entityIndex, firstAtOrAfter } from "./internal/historyIndex.ts";
import { problemsOf } from "./internal/kinds.ts";
import type { Scalar } from "./internal/operators/Operator.ts";

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
): NumberExpr<"decision"> => {
  const [windowMs = 0, hopMs = 0] = [options.window, options.hop].map((input) =>
    Duration.toMillis(Duration.fromInputUnsafe(input)),
  );
  const whole = Number.isSafeInteger(windowMs) && Number.isSafeInteger(hopMs);
  if (!whole || hopMs <= 0 || windowMs <= 0 || windowMs % hopMs !== 0) {
    throw new TypeError(
      `a history's window must be a whole number of hops, at least one: not ${windowMs} ms in hops of ${hopMs} ms`,
    );
  }
  const by = options.by.map(({ ast, availableAt }) => {
    if (ast._tag !== "column")
      throw new TypeError("a history is taken by columns, not by formulas");
    if (availableAt !== "decision" || ast.type === "timestamp") {
      throw new TypeError(
        `a history cannot be taken by "${ast.name}": the entity must be known at the decision, and not be an instant`,
      );
    }
    return ast.name;
  });
  const knownAt = options.knownAt.ast;
  const history: HistoryAst = { _tag: "history", aggregate, by, of, knownAt, windowMs, hopMs };
  const [problem] = problemsOf(history, ["number"]);
  if (problem !== undefined) throw new TypeError(`a history does not fit together: ${problem}`);
  return number(history, "decision");
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
export const mean = (
  of: Expr<number | boolean, Column.Availability>,
  options: HistoryOptions,
): NumberExpr<"decision"> => make("mean", of.ast, options);

/** The number of earlier rows of the same entity whose outcome was known by then. */
export const count = (options: HistoryOptions): NumberExpr<"decision"> =>
  make("count", { _tag: "literal", value: 1 }, options);

/** The buckets of one history that a service needs: aggregates per entity and hop, oldest first. */
export const HistoryState = Schema.Struct({
  history: AstSchema,
  entities: Schema.Array(
    Schema.Struct({
      /** Values of the `by` columns. */
      key: Schema.Array(Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])),
      /** Number of the hop since 1970-01-01 UTC. */
      hop: Schema.Array(Schema.Int),
      count: Schema.Array(Schema.Finite),
      sum: Schema.Array(Schema.Finite),
    }),
  ),
});
/** See {@link HistoryState}. */
export type HistoryState = typeof HistoryState.Type;

/**
 * A lookup of a history in a state: the closure that stands for it when one row is served. The hops of
 * each entity come in ascending order, as `Features.stateAt` writes them. Without a state nothing is
 * known, so a count is missing too: it is not 0.
 */
export const lookup = (
  history: HistoryAst,
  state: HistoryState | undefined,
  decidedAt: Ast,
): ((row: ScalarRow) => Scalar) => {
  if (state === undefined) return () => null;
  const bucketsOf = entityIndex(history.by, state);
  const hops = history.windowMs / history.hopMs;
  const time = toClosure(decidedAt, () => () => null);
  return (row) => {
    const at = time(row);
    if (typeof at !== "number") return null;
    const end = Math.floor(at / history.hopMs);
    const found = bucketsOf(row);
    let [count, sum] = [0, 0];
    if (found !== undefined) {
      for (let index = firstAtOrAfter(found.hop, end - hops); index < found.hop.length; index++) {
        if (!((found.hop[index] ?? Infinity) < end)) break;
        count += found.count[index] ?? 0;
        sum += found.sum[index] ?? 0;
      }
    }
    if (history.aggregate === "count") return count;
    const mean = sum / count;
    return Number.isFinite(mean) ? mean : null;
  };
};

/** Whether two histories are the same. */
export const same = (a: Ast, b: Ast): boolean => JSON.stringify(a) === JSON.stringify(b);
