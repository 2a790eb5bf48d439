/**
 * Features: ten expressions over three million flights in a batch, against the same by hand; row by row
 * in a service, against a closure written by hand; and a point-in-time join of all flights with all.
 *
 *     npx node --conditions=@ml-pipe/source bench/features.ts
 */
import { Artifact, Stage } from "@ml-pipe/core";
import { Duckdb, Expr, FeatureSet, PointInTime, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Flight, flights } from "./flights.ts";

const rounds = 5;

const Ten = FeatureSet.make("ten", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  label: ($) => $.delay.gt(15),
  features: ($) => ({
    minuteOfDay: $.date.minuteOfDay(),
    dayOfWeek: $.date.dayOfWeek(),
    weekend: $.date.dayOfWeek().gte(6),
    month: $.date.month(),
    distance: $.distance,
    long: $.distance.gt(1500),
    band: $.distance.bucket([250, 500, 1000, 2000]),
    root: $.distance.sqrt(),
    hours: $.distance.dividedBy(450).plus(0.5).roundTo(0.25),
    sameLetter: $.origin.substring(0, 1).equals($.destination.substring(0, 1)),
  }),
});

const byHand = (relation: string): string => `
  SELECT hour(date) * 60 + minute(date), isodow(date), isodow(date) >= 6, month(date), distance, distance > 1500,
    (distance >= 250)::INT + (distance >= 500)::INT + (distance >= 1000)::INT + (distance >= 2000)::INT,
    sqrt(distance), round((distance / 450 + 0.5) / 0.25) * 0.25, origin[1] = destination[1]
  FROM ${relation}`;

/** What an engineer would write for one request, knowing that nothing is missing. */
const handWritten = (row: {
  date: Date;
  distance: number;
  origin: string;
  destination: string;
}) => {
  const features = new Float64Array(10);
  const { date, distance, origin, destination } = row;
  const day = date.getUTCDay() === 0 ? 7 : date.getUTCDay();
  features[0] = date.getUTCHours() * 60 + date.getUTCMinutes();
  features[1] = day;
  features[2] = Number(day >= 6);
  features[3] = date.getUTCMonth() + 1;
  features[4] = distance;
  features[5] = Number(distance > 1500);
  features[6] =
    Number(distance >= 250) +
    Number(distance >= 500) +
    Number(distance >= 1000) +
    Number(distance >= 2000);
  features[7] = Math.sqrt(distance);
  features[8] = Math.round((distance / 450 + 0.5) / 0.25) * 0.25;
  features[9] = Number(origin[0] === destination[0]);
  return features;
};

const timings = new Map<string, Array<number>>();
const timed = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begun = performance.now();
    return Effect.ensuring(
      effect,
      Effect.sync(() => {
        timings.set(name, [...(timings.get(name) ?? []), performance.now() - begun]);
      }),
    );
  });
const median = (name: string): number =>
  (timings.get(name) ?? []).toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN;

const previous = PointInTime.join(Flight, Flight, {
  name: "flight-after-flight",
  version: "1.0.0",
  by: ["origin", "destination"],
  take: { previousDelay: "delay" },
  knownAt: ($) => $.date.plusMinutes($.distance.dividedBy(6).plus(60)),
  tolerance: "7 days",
});

const program = Effect.gen(function* () {
  const db = yield* Duckdb.Duckdb;
  const checked = yield* flights;
  const relation = yield* Table.relation(checked);
  const columns = Ten.spec.features.map(({ expr }) => `CAST(${Expr.sql({ ast: expr })} AS DOUBLE)`);
  const consume = (query: string) => db.rows("consume", `SELECT count(COLUMNS(*)) FROM (${query})`);
  for (let round = 0; round < rounds; round++) {
    yield* timed("batch by hand", consume(byHand(relation)));
    yield* timed("batch", consume(`SELECT ${columns.join(", ")} FROM ${relation}`));
  }

  const requests = (yield* db.rows(
    "read requests",
    `SELECT epoch_ms(date::TIMESTAMP)::DOUBLE AS date, distance::DOUBLE AS distance, origin, destination
     FROM ${relation} USING SAMPLE reservoir(100000 ROWS) REPEATABLE (1)`,
  )).map(({ date, distance, origin, destination }) => ({
    date: new Date(Number(date)),
    distance: Number(distance),
    origin: String(origin),
    destination: String(destination),
  }));
  const compiled = FeatureSet.compileRow(Ten.spec);
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    yield* timed(
      "online by hand",
      Effect.sync(() => {
        for (const request of requests) sum += handWritten(request)[8] ?? 0;
      }),
    );
    yield* timed(
      "online",
      Effect.sync(() => {
        for (const request of requests) sum -= compiled(request)[8] ?? 0;
      }),
    );
  }
  if (Math.abs(sum) > 1e-3) throw new Error(`the two disagree: ${sum}`);
  yield* timed("join", previous.stage.run({ data: checked, from: checked }));
  return { rows: checked.rows, requests: requests.length };
}).pipe(
  Effect.provideService(Stage.Reporter, () => Effect.void),
  Effect.provide(
    Layer.mergeAll(
      Duckdb.Duckdb.layer({ threads: 2, memoryLimit: "2GB" }),
      Artifact.ArtifactStore.layerTemporary,
    ),
  ),
);

const { rows, requests } = await Effect.runPromise(program);
const ratio = (own: string, other: string) => (median(own) / median(other)).toFixed(2);
console.log(
  `batch, ten expressions, ${rows} rows   ${median("batch").toFixed(0)} ms   ${ratio("batch", "batch by hand")}× by hand`,
);
console.log(
  `online, ten expressions, one core   ${((requests / median("online")) * 1000).toFixed(0)} rows/s   ${ratio("online", "online by hand")}× by hand`,
);
console.log(
  `point-in-time join, ${rows} with ${rows}   ${((timings.get("join")?.[0] ?? Number.NaN) / 1000).toFixed(1)} s`,
);
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
