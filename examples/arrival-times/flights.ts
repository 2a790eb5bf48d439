/** What both pipelines share: the flights, what is known when one takes off, and how they are split. */
import { Column, Contract, type Expr, History, Ingest, Validate } from "@ml-pipe/ml-pipe";

/** What flight operations hand over. `date` is when the aircraft really left. */
export const Flight = Contract.make("jfk-flight", {
  version: "1.0.0",
  owner: "flight-operations",
  consumers: ["ground-handling", "passenger-care"],
  description: "one row per domestic departure from New York JFK",
  columns: {
    date: Column.timestamp({ description: "actual departure, local time" }),
    delay: Column.int({
      description: "arrival later than scheduled; negative if early",
      unit: "min",
      min: -120,
      max: 1440,
      availableAt: "outcome",
    }),
    distance: Column.int({ unit: "mi", min: 1, max: 5000 }),
    origin: Column.string({ pattern: "[A-Z]{3}", description: "IATA code" }),
    destination: Column.string({ pattern: "[A-Z]{3}", description: "IATA code" }),
  },
  eventTime: "date",
});

/** What is known at departure. Histories see only flights that had landed by then. */
export const known = ($: Expr.Columns<typeof Flight>) => {
  const late = $.delay.gt(15);
  // Landed and reported: an hour after a slow flight of 6 miles a minute.
  const knownAt = $.date.plusMinutes($.distance.dividedBy(6).plus(60));
  const today = { knownAt, window: "6 hours", hop: "1 hour" } as const;
  const usual = { knownAt, window: "28 days", hop: "1 day" } as const;
  return {
    minuteOfDay: $.date.minuteOfDay(),
    dayOfWeek: $.date.dayOfWeek(),
    distance: $.distance,
    lateToday: History.mean(late, { by: [$.origin], ...today }),
    delayToday: History.mean($.delay, { by: [$.origin], ...today }),
    routeDelay: History.mean($.delay, { by: [$.origin, $.destination], ...usual }),
    routeLate: History.mean(late, { by: [$.origin, $.destination], ...usual }),
  };
};

/** Before anything is trained for either pipeline, the same months are set apart. */
export const months = {
  validation: "2001-04-01",
  test: "2001-05-01",
  live: "2001-06-25",
  embargo: "1 day",
} as const;

export const ingest = Ingest.parquet(Flight, {
  path: new URL("data/jfk-2001.parquet", import.meta.url),
});
export const validate = Validate.table(Flight, { asOf: "2001-07-01" });
