/**
 * Splits: the one way from a checked table to tables that may be trained on, tuned on, judged on and
 * watched. A contract with an event time is split by time.
 */
import { type Contract, Digest, Stage } from "@ml-pipe/core";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { identifier } from "./Duckdb.ts";
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

/** Where the periods begin, as ISO 8601 instants or dates (midnight UTC). */
export interface Cuts {
  readonly validation: string;
  readonly test: string;
  readonly live: string;
}

/** One part of a split by time: `[from, to)`. */
interface Part {
  readonly role: Exclude<Table.Role, "raw" | "checked">;
  readonly from: number;
  readonly to: number;
}

const partsOf = (cuts: Cuts, embargoMs: number): ReadonlyArray<Part> => {
  const [validation, test, live] = [cuts.validation, cuts.test, cuts.live].map((text) => {
    const at = new Date(text).getTime();
    if (Number.isNaN(at)) throw new TypeError(`split: "${text}" is not a date`);
    return at;
  });
  if (validation === undefined || test === undefined || live === undefined) return [];
  if (!(validation < test && test < live)) {
    throw new TypeError("split: the cuts must come in the order validation, test, live");
  }
  return [
    { role: "train", from: -Infinity, to: validation - embargoMs },
    { role: "validation", from: validation, to: test - embargoMs },
    { role: "test", from: test, to: live - embargoMs },
    { role: "live", from: live, to: Infinity },
  ];
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
  const parts = partsOf(cuts, embargoMs);
  const params = { by: column, ...cuts, embargoMs };
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
      const relation = yield* Table.relation(data);
      const split = Digest.ofJson([Table.digestOf(data), params]);
      const write = Effect.fnUntraced(function* <R extends Part["role"]>(role: R) {
        const part = parts.find((one) => one.role === role);
        const { from = -Infinity, to = Infinity } = part ?? {};
        const query = `SELECT * FROM ${relation} WHERE ${within(column, from, to)}`;
        const table = yield* Table.write(contract, role, { query, split });
        if (table.rows === 0) {
          return yield* new EmptySplit({ role, column, from: instant(from), to: instant(to) });
        }
        return table;
      });
      const tables = {
        train: yield* write("train"),
        validation: yield* write("validation"),
        test: yield* write("test"),
        live: yield* write("live"),
      };
      const rows = Object.values(tables).map((table) => table.rows);
      const used = rows.reduce((sum, one) => sum + one, 0);
      yield* progress({ label: "rows", rows: used });
      yield* exhibit({
        _tag: "table",
        title: "Split by time",
        caption: `${data.rows - used} rows lie in the embargo before a cut and are left out`,
        columns: ["role", "from", "to", "rows"],
        rows: parts.map(({ role, from, to }) => [role, instant(from), instant(to), tables[role].rows]),
      });
      return tables;
    }),
  });
};

const within = (column: string, from: number, to: number): string => {
  const time = `epoch_ms(CAST(${identifier(column)} AS TIMESTAMP))`;
  const bounds = [
    ...(Number.isFinite(from) ? [`${time} >= ${from}`] : []),
    ...(Number.isFinite(to) ? [`${time} < ${to}`] : []),
  ];
  return bounds.join(" AND ");
};

const instant = (at: number): string =>
  Number.isFinite(at) ? new Date(at).toISOString().slice(0, 16).replace("T", " ") : at < 0 ? "start" : "end";
