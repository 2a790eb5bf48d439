/** Every sixtieth of three million flights: will it arrive more than a quarter of an hour late? */
import { Column, Contract, Ingest, Table } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";

const All = Contract.make("flight", {
  version: "1.0.0",
  owner: "flight-operations",
  columns: {
    date: Column.timestamp({ description: "actual departure" }),
    delay: Column.int({ unit: "min", availableAt: "outcome" }),
    distance: Column.int({ unit: "mi" }),
    origin: Column.string(),
    destination: Column.string(),
  },
});

const ingest = Ingest.parquet(All, {
  path: Ingest.packageFile("vega-datasets", "data/flights-3m.parquet", import.meta.url),
});

/** The columns of the examples: also the day as a number, which a model can learn by heart. */
export const columns = {
  date: Column.timestamp(),
  day: Column.int({ description: "days since 2001-01-01" }),
  distance: Column.int({ unit: "mi" }),
} as const;

/** Writes them as a checked table. */
export const flights = Effect.fnUntraced(function* <C extends Contract.Contract>(contract: C) {
  const source = yield* Table.relation(yield* ingest.run({}), { rowNumbers: true });
  return yield* Table.write(contract, "checked", {
    query: `SELECT date, date_diff('day', DATE '2001-01-01', date)::BIGINT AS day, distance, delay
      FROM ${source} WHERE file_row_number % 60 = 0 ORDER BY file_row_number`,
  });
});
