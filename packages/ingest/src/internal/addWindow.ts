/** Replaces the last window of a table by what the source says of it now, and adds what is newer. */
import type { Contract } from "@ml-pipe/core";
import { Duckdb, Table } from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type { Grown } from "../incremental.ts";
import type { Growing, GrowError, GrowNeeds } from "./addFiles.ts";
import { take } from "./take.ts";

/** The column that a source is read by. */
interface By {
  readonly column: string;
  readonly type: "timestamp" | "int";
  /** Milliseconds, or a difference of numbers. */
  readonly overlap: number;
}

/** Reads the rows from the watermark less the overlap, and puts them in the place of those before. */
export const addWindow = Effect.fnUntraced(function* <C extends Contract.Contract, E>({
  contract,
  source,
  atMost,
  drift,
  previous,
  by,
  context,
}: Growing<C, E> & { readonly by: By }): Effect.fn.Return<Grown<C>, GrowError<E>, GrowNeeds> {
  const from = previous === undefined ? undefined : yield* cutoffOf(previous, by);
  const request = from === undefined ? {} : { from: { column: by.column, value: from } };
  const delivery = yield* source.open({ contract, ...request });
  // The window begins at or before the newest row: an answer without any row is no answer.
  const { parts } = delivery;
  const taken = yield* take({ contract, source: source.label, parts, atMost, drift }, context);
  const columns = Object.keys(contract.columns).map(Duckdb.identifier);
  const column = Duckdb.identifier(by.column);
  const now = yield* Table.relation(taken.table);
  const order = [...new Set([column, ...columns])].join(", ");
  const list = columns.join(", ");
  if (previous === undefined || from === undefined) {
    const table = yield* Table.write(contract, "raw", {
      query: `SELECT ${list} FROM ${now} ORDER BY ${order}`,
    });
    return {
      table,
      quarantine: taken.quarantine,
      increments: [incrementOf(by, "the beginning", table.rows)],
    };
  }
  const bound = `CAST(${Duckdb.literal(from)} AS ${by.type === "int" ? "BIGINT" : "TIMESTAMP"})`;
  const before = yield* Table.relation(previous.table);
  // Rows without a value are nowhere: those that the source has now are all of them.
  const window = `SELECT ${list} FROM ${now} WHERE ${column} >= ${bound} OR ${column} IS NULL`;
  const old = `SELECT ${list} FROM ${before} WHERE ${column} < ${bound}`;
  const key = contract.spec.key?.map(Duckdb.identifier) ?? [];
  const kept =
    key.length === 0
      ? old
      : `SELECT * FROM (${old}) ANTI JOIN (${window}) USING (${key.join(", ")})`;
  const table = yield* Table.write(contract, "raw", {
    query: `SELECT ${list} FROM (${kept} UNION ALL ${window}) ORDER BY ${order}`,
  });
  yield* context.progress({ label: "rows", rows: table.rows });
  return { table, quarantine: taken.quarantine, increments: [incrementOf(by, from, table.rows)] };
});

const incrementOf = ({ column }: By, from: string, rows: number) => ({
  name: `${column} from ${from}`,
  version: from,
  rows,
  columns: [],
});

/** Where reading begins: the newest value, no later than now, less the overlap; undefined if there is none. */
const cutoffOf = Effect.fnUntraced(function* (
  { table }: { readonly table: Table.AnyTable },
  { column, type, overlap }: By,
) {
  const db = yield* Duckdb.Duckdb;
  const name = Duckdb.identifier(column);
  const now = yield* Clock.currentTimeMillis;
  const value =
    type === "int"
      ? `max(${name}) - ${Math.floor(overlap)}`
      : `strftime(least(max(${name}), epoch_ms(${now})) - to_milliseconds(${Math.ceil(overlap)}), '%Y-%m-%dT%H:%M:%S.%fZ')`;
  const [row] = yield* db.rows(
    "find the watermark",
    `SELECT CAST(${value} AS VARCHAR) AS value FROM ${yield* Table.relation(table)}`,
  );
  const found = row?.["value"];
  return typeof found === "string" ? found : undefined;
});
