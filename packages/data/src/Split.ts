/**
 * Splits: the one way from a checked table to tables that may be trained on, tuned on, judged on and
 * watched. A contract with an event time is split by time.
 */
import { Column, type Contract, Digest, Stage } from "@ml-pipe/core";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, identifier } from "./Duckdb.ts";
import * as Table from "./Table.ts";

/** A part of a split has no rows, so what depends on it would say nothing. */
export class EmptySplit extends Schema.TaggedError<EmptySplit>()("EmptySplit", {
  role: Table.Role,
  from: Schema.String,
  to: Schema.String,
  column: Schema.String,
}) {
  override get message(): string {
    return `the ${this.role} part of the split has no rows: none has its ${this.column} from ${this.from} to ${this.to}. Move the cut, or ingest data of that period.`;
  }
}

/** Where the periods begin: dates (midnight UTC) or instants with a zone, in ISO 8601. */
export interface Cuts {
  readonly validation: string;
  readonly test: string;
  readonly live: string;
}

/** A period `[from, to)` in epoch milliseconds. */
interface Period {
  readonly from: number;
  readonly to: number;
}

const roles = ["train", "validation", "test", "live"] as const;
type PartRole = (typeof roles)[number];

const periodsOf = (cuts: Cuts, embargoMs: number): { readonly [role in PartRole]: Period } => {
  const validation = instantOf(cuts.validation);
  const test = instantOf(cuts.test);
  const live = instantOf(cuts.live);
  if (!(validation < test && test < live)) {
    throw new TypeError("split: the cuts must come in the order validation, test, live");
  }
  if (!(embargoMs >= 0 && embargoMs < Math.min(test - validation, live - test))) {
    throw new TypeError("split: the embargo must be shorter than the periods, and not negative");
  }
  return {
    train: { from: -Infinity, to: validation - embargoMs },
    validation: { from: validation, to: test - embargoMs },
    test: { from: test, to: live - embargoMs },
    live: { from: live, to: Infinity },
  };
};

/** A date is the midnight, UTC, at which it begins; what a cut means never depends on where it is read. */
const instantOf = (text: string): number => {
  const iso = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;
  const decoded = Schema.decodeUnknownResult(Column.timestamp().schema)(iso);
  if (decoded._tag === "Failure") {
    throw new TypeError(
      `split: "${text}" is not a date such as 2001-05-01, or an instant with a zone such as 2001-05-01T06:00:00Z`,
    );
  }
  return decoded.success.getTime();
};

/**
 * A stage that splits a table by its event time. The embargo leaves out the rows just before each cut:
 * their outcome was not known yet when the next period began. Fails with {@link EmptySplit} if a part
 * has no rows.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Split } from "@ml-pipe/data";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1", owner: "lab", eventTime: "at", columns: { at: Column.timestamp() },
 * });
 * const split = Split.byTime(Trip, {
 *   validation: "2001-04-15", test: "2001-05-01", live: "2001-06-01", embargo: "1 day",
 * });
 * ```
 */
export const byTime = <C extends Contract.Contract>(
  contract: C,
  options: Cuts & { readonly embargo?: Duration.Input },
) => {
  const column = contract.spec.eventTime;
  if (column === undefined) {
    throw new TypeError(`split by time: the contract "${contract.name}" has no event time`);
  }
  const { embargo = 0, ...cuts } = options;
  const embargoMs = Duration.toMillis(Duration.fromInputUnsafe(embargo));
  const periods = periodsOf(cuts, embargoMs);
  const params = { by: column, ...cuts, embargoMs };
  const columns = Object.keys(contract.columns).map(identifier).join(", ");
  return Stage.make("split", {
    description: `splits by ${column}`,
    input: { data: Table.of(contract, "checked") },
    outputs: {
      train: Table.of(contract, "train"),
      validation: Table.of(contract, "validation"),
      test: Table.of(contract, "test"),
      live: Table.of(contract, "live"),
    },
    params,
    run: Effect.fnUntraced(function* ({ data }, { exhibit, progress }) {
      const relation = Table.parquet(yield* Table.pathOf(data), { rowNumbers: true });
      const split = Digest.ofJson([Table.digestOf(data), params]);
      const write = Effect.fnUntraced(function* <R extends PartRole>(role: R) {
        const { from, to } = periods[role];
        // In the order of the table: without a sort, the bytes would depend on the number of threads.
        const query = `SELECT ${columns} FROM ${relation} WHERE ${within(column, from, to)} ORDER BY file_row_number`;
        const table = yield* Table.write(contract, role, { query, split });
        if (table.rows === 0) {
          return yield* new EmptySplit({ role, column, from: textOf(from), to: textOf(to) });
        }
        return table;
      });
      const tables = {
        train: yield* write("train"),
        validation: yield* write("validation"),
        test: yield* write("test"),
        live: yield* write("live"),
      };
      const used = roles.reduce((sum, role) => sum + tables[role].rows, 0);
      const db = yield* Duckdb;
      const [undated] = yield* db.rows(
        `count the rows without ${column}`,
        `SELECT CAST(count(*) AS DOUBLE) AS n FROM ${relation} WHERE ${identifier(column)} IS NULL`,
      );
      yield* progress({ label: "rows", rows: used });
      yield* exhibit({
        _tag: "table",
        title: "Split by time",
        caption: leftOut(data.rows - used, Number(undated?.["n"] ?? 0), column),
        columns: ["role", "from", "to", "rows"],
        rows: roles.map((role) => [
          role,
          textOf(periods[role].from),
          textOf(periods[role].to),
          tables[role].rows,
        ]),
      });
      return tables;
    }),
  });
};

/** Which rows are in no part, and why. */
const leftOut = (rows: number, undated: number, column: string): string =>
  [
    `${rows - undated} rows lie in the embargo before a cut and are left out`,
    ...(undated === 0 ? [] : [`${undated} rows have no ${column} and are left out`]),
  ].join("; ");

const within = (column: string, from: number, to: number): string => {
  const time = `CAST(${identifier(column)} AS TIMESTAMP)`;
  const bounds = [
    ...(from === -Infinity ? [] : [`${time} >= epoch_ms(${from})`]),
    ...(to === Infinity ? [] : [`${time} < epoch_ms(${to})`]),
  ];
  return bounds.join(" AND ");
};

const textOf = (at: number): string =>
  Number.isFinite(at)
    ? new Date(at).toISOString().slice(0, 16).replace("T", " ")
    : at < 0
      ? "the start"
      : "the end";
