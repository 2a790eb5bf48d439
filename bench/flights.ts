/** Three million flights, as several benchmarks read them. */
import { Column, Contract } from "@ml-pipe/core";
import { Ingest } from "@ml-pipe/ingest";
import { Validate } from "@ml-pipe/validate";
import * as Effect from "effect/Effect";

export const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "flight-operations",
  columns: {
    date: Column.timestamp(),
    delay: Column.int({ unit: "min", availableAt: "outcome" }),
    distance: Column.int({ unit: "mi" }),
    origin: Column.string(),
    destination: Column.string(),
  },
  eventTime: "date",
});

const ingest = Ingest.parquet(Flight, {
  path: Ingest.packageFile("vega-datasets", "data/flights-3m.parquet", import.meta.url),
});
const validate = Validate.table(Flight, { quarantine: { atMost: 0.5 } });

/** The flights as a checked table. */
export const flights = Effect.gen(function* () {
  const { checked } = yield* validate.run({ data: yield* ingest.run({}) });
  return checked;
});
