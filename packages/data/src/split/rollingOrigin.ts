/** Folds by time: each validates on a period what was trained on before it, as forecasts are used. */
import { type Contract, Stage } from "@ml-pipe/core";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, identifier } from "../Duckdb.ts";
import * as Table from "../Table.ts";
import { whole } from "../Words.ts";
import { EmptySplit, type OverlapError } from "./errors.ts";
import { foldOf, type FoldsStage, storeAssignment, tableOf, wholeOf } from "./Fold.ts";
import { requireOrdered, splitId } from "./parts.ts";
import {
  type Dated,
  findingsOfReasons,
  findingsOfUnknown,
  givenReasons,
  requireOffered,
  type Ungrouped,
} from "./refusal.ts";
import { instantOf, type Period, textOf } from "./time.ts";

/** How the origin moves, and what lies before and after it. */
export interface RollingOriginOptions {
  /** The first origin, at which the first validation period begins: a date (midnight UTC) or an instant. */
  readonly first: string;
  /** How many folds, at least 1. */
  readonly folds: number;
  /** Length of each validation period. */
  readonly horizon: Duration.Input;
  /** How far the origin moves from fold to fold. Default: the horizon, so that periods join up. */
  readonly step?: Duration.Input;
  /** Train on as much before the origin only (a sliding window). Default: on all there is (expanding). */
  readonly window?: Duration.Input;
  /** Rows this long before the origin are not trained on: their outcome was not known yet. Default: none. */
  readonly embargo?: Duration.Input;
}

/**
 * A stage that makes folds by time: fold i validates on the period from its origin, `first` plus i steps,
 * for the length of the horizon, and trains on the rows before it.
 *
 * Takes the train part of a split, or a checked table where nothing is held out for a test. The rows are
 * not copied. A contract with a group does not fit, by type, unless for a reason. Fails with
 * {@link EmptySplit} if a part of a fold has no rows.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Split } from "@ml-pipe/data";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1", owner: "lab", eventTime: "at", columns: { at: Column.timestamp() },
 * });
 * const folds = Split.rollingOrigin(Trip, {
 *   first: "2001-03-01", folds: 4, horizon: "14 days", embargo: "1 day",
 * });
 * ```
 */
export const rollingOrigin = <
  C extends Contract.Contract,
  const Group extends string | undefined = undefined,
>(
  contract: C & Dated<C> & Ungrouped<C, Group>,
  options: RollingOriginOptions & { readonly ignoreGroup?: Group },
): FoldsStage<C, EmptySplit | OverlapError> => {
  const reasons = givenReasons({ ignoreGroup: options.ignoreGroup });
  requireOffered("rolling origin", contract, { time: true, group: false }, reasons);
  const column = contract.spec.eventTime ?? "";
  const { periods, params } = plan(options);
  const edges = [
    ...new Set(
      periods.flatMap(({ train, validation }) => [
        train.from,
        train.to,
        validation.from,
        validation.to,
      ]),
    ),
  ]
    .toSorted((a, b) => a - b)
    .filter(Number.isFinite);
  /** The parts that make up a period: part `n` holds the rows from edge `n` on, up to the next. */
  const partsOf = ({ from, to }: Period): ReadonlyArray<number> =>
    Array.from({ length: edges.length + 1 }, (_, part) => part).filter(
      (part) => (edges[part - 1] ?? -Infinity) >= from && (edges[part] ?? Infinity) <= to,
    );
  return Stage.make("folds", {
    description: `makes ${periods.length} folds by ${column}`,
    input: { data: wholeOf<C>(contract) },
    output: Schema.Array(foldOf<C>(contract)),
    params: { by: column, ...params, ...reasons },
    run: Effect.fnUntraced(function* ({ data }, { exhibit, finding, progress }) {
      const relation = yield* Table.relation(data, { rowNumbers: true });
      const time = `CAST(${identifier(column)} AS TIMESTAMP)`;
      const reached = edges.map((edge) => `CAST(${time} >= epoch_ms(${edge}) AS INTEGER)`);
      const assignment = yield* storeAssignment(
        data,
        `SELECT file_row_number AS "~row", ${reached.join(" + ")} AS "~part" FROM ${relation}`,
      );
      const made = periods.map(({ train, validation }, index) => {
        const split = splitId(data, { ...params, fold: index + 1 });
        return {
          fold: index + 1,
          folds: periods.length,
          train: tableOf<C, "train">(contract, "train", assignment, {
            parts: partsOf(train),
            split,
          }),
          validation: tableOf<C, "validation">(contract, "validation", assignment, {
            parts: partsOf(validation),
            split,
          }),
        };
      });
      for (const { fold, train, validation } of made) {
        for (const { role, rows } of [train, validation]) {
          const { from, to } = periods[fold - 1]?.[role] ?? { from: Number.NaN, to: Number.NaN };
          if (rows === 0) {
            return yield* new EmptySplit({
              part: `fold ${fold} ${role}`,
              because: `none has its ${column} from ${textOf(from)} to ${textOf(to)}`,
              next: "Move the first origin, ask for fewer folds, or ingest data of that period.",
            });
          }
        }
        yield* requireOrdered([train, validation], column, params.embargoMs);
      }
      const used = new Set(
        made.flatMap(({ train, validation }) =>
          [train, validation].flatMap(({ data }) => (data._tag === "parts" ? data.parts : [])),
        ),
      );
      const usedRows = [...used].reduce((sum, part) => sum + (assignment.rows.get(part) ?? 0), 0);
      yield* progress({ label: "rows", rows: usedRows });
      yield* exhibit({
        _tag: "table",
        title: "Folds by rolling origin",
        caption: [
          `${whole(data.rows - usedRows)} rows are in no fold`,
          ...Object.values(reasons).map((reason) => `groups are not kept together: ${reason}`),
        ].join("; "),
        columns: ["fold", "trains from", "to", "rows", "validates from", "to", "rows"],
        rows: made.map(({ fold, train, validation }, index) => {
          const period = periods[index];
          const of = (role: "train" | "validation", end: "from" | "to") =>
            textOf(period?.[role][end] ?? Number.NaN);
          return [
            fold,
            of("train", "from"),
            of("train", "to"),
            train.rows,
            of("validation", "from"),
            of("validation", "to"),
            validation.rows,
          ];
        }),
      });
      const undated = yield* countUndated(relation, column);
      yield* Effect.forEach(
        [...findingsOfReasons(contract, reasons), ...findingsOfUnknown(contract, "time", undated)],
        finding,
      );
      return made;
    }),
  });
};

const countUndated = Effect.fnUntraced(function* (relation: string, column: string) {
  const db = yield* Duckdb;
  const [found] = yield* db.rows(
    "count the rows without a time",
    `SELECT CAST(count(*) AS DOUBLE) AS n FROM ${relation} WHERE ${identifier(column)} IS NULL`,
  );
  return Number(found?.["n"] ?? 0);
});

/** The periods of each fold. Throws a `TypeError` on lengths that are none. */
const plan = ({ first, folds, ...lengths }: RollingOriginOptions) => {
  const millis = (length: Duration.Input) => Duration.toMillis(Duration.fromInputUnsafe(length));
  const firstMs = instantOf(first);
  const horizonMs = millis(lengths.horizon);
  const stepMs = millis(lengths.step ?? lengths.horizon);
  const windowMs = lengths.window === undefined ? null : millis(lengths.window);
  const embargoMs = millis(lengths.embargo ?? 0);
  const refuse = (problem: string) => {
    throw new TypeError(`rolling origin: ${problem}`);
  };
  if (!(Number.isSafeInteger(folds) && folds >= 1 && folds <= maxFolds)) {
    refuse(`${folds} is not a whole number of folds from 1 to ${maxFolds}`);
  }
  if (!(horizonMs > 0 && Number.isFinite(horizonMs))) refuse("the horizon must be above 0");
  if (!(stepMs > 0 && Number.isFinite(stepMs))) refuse("the step must be above 0");
  if (!(embargoMs >= 0 && Number.isFinite(embargoMs))) refuse("the embargo must not be negative");
  if (windowMs !== null && !(windowMs > embargoMs && Number.isFinite(windowMs))) {
    refuse("the window must be longer than the embargo");
  }
  const periods = Array.from({ length: folds }, (_, index) => {
    const origin = firstMs + index * stepMs;
    return {
      train: { from: windowMs === null ? -Infinity : origin - windowMs, to: origin - embargoMs },
      validation: { from: origin, to: origin + horizonMs },
    };
  });
  return { periods, params: { first, folds, horizonMs, stepMs, windowMs, embargoMs } };
};

/** Each fold is a training; thousands of them are a mistake. */
const maxFolds = 1000;
