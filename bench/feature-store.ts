/**
 * The feature store: three million flights materialised, rows of a stream appended, and requests with five
 * windowed lookups answered from the embedded store, against a closure over a Map written by hand and
 * against a query of DuckDB for each request.
 *
 *     npx node --conditions=@ml-pipe/source bench/feature-store.ts
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Artifact, Stage } from "@ml-pipe/core";
import { Duckdb, FeatureSet, FeatureStore, History, OnlineFeatures, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import { Flight, flights } from "./flights.ts";

const rounds = 5;
const requestCount = 20_000;
const queryCount = 100;
const streamed = 2_000;
const until = new Date("2001-06-01T00:00:00Z");
const hour = 3_600_000;

const Five = FeatureSet.make("five", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  label: ($) => $.delay.gt(15),
  features: ($) => {
    const late = $.delay.gt(15);
    const knownAt = $.date.plusMinutes($.distance.dividedBy(6).plus(60));
    const hours = { knownAt, window: "6 hours", hop: "1 hour" } as const;
    const days = { knownAt, window: "28 days", hop: "1 day" } as const;
    return {
      originLate6h: History.mean(late, { by: [$.origin], ...hours }),
      destinationLate6h: History.mean(late, { by: [$.destination], ...hours }),
      originLate28d: History.mean(late, { by: [$.origin], ...days }),
      destinationLate28d: History.mean(late, { by: [$.destination], ...days }),
      routeLate28d: History.mean(late, { by: [$.origin, $.destination], ...days }),
    };
  },
});

/** The five means, as columns to group by, with the length of the hop and of the window in hops. */
const means = [
  { by: ["origin"], hopMs: hour, hops: 6 },
  { by: ["destination"], hopMs: hour, hops: 6 },
  { by: ["origin"], hopMs: 24 * hour, hops: 28 },
  { by: ["destination"], hopMs: 24 * hour, hops: 28 },
  { by: ["origin", "destination"], hopMs: 24 * hour, hops: 28 },
] as const;

interface Asked {
  readonly [column: string]: unknown;
  readonly date: Date;
  readonly origin: string;
  readonly destination: string;
}

/** What an engineer would write: a map from entity and hop to a count and a sum. */
const byHand =
  (maps: ReadonlyArray<ReadonlyMap<string, ReadonlyMap<number, readonly [number, number]>>>) =>
  (request: Asked): Float64Array => {
    const features = new Float64Array(means.length);
    for (const [index, { by, hopMs, hops }] of means.entries()) {
      const key =
        by.length === 2 ? `${request.origin} ${request.destination}` : String(request[by[0]]);
      const end = Math.floor(request.date.getTime() / hopMs);
      const buckets = maps[index]?.get(key);
      let [count, sum] = [0, 0];
      for (let hop = end - hops; hop < end; hop++) {
        const bucket = buckets?.get(hop);
        if (bucket === undefined) continue;
        count += bucket[0];
        sum += bucket[1];
      }
      features[index] = sum / count;
    }
    return features;
  };

const knownAt = `("date" + to_microseconds(CAST((distance / 6 + 60) * 60000000 AS BIGINT)))`;

/** One query for a request, over a table of outcomes in memory, as they became known. */
const querySql = ({ date, origin, destination }: Asked): string => {
  const place: { readonly [column: string]: string } = { origin, destination };
  const values = means.map(({ by, hopMs, hops }) => {
    const end = Math.floor(date.getTime() / hopMs) * hopMs;
    const same = by.map((column) => `${column} = '${place[column]}'`).join(" AND ");
    return `avg(late) FILTER (WHERE ${same} AND known >= ${end - hops * hopMs} AND known < ${end})`;
  });
  return `SELECT ${values.join(", ")} FROM outcomes WHERE origin = '${origin}' OR destination = '${destination}'`;
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
const median = (name: string): number => {
  const all = (timings.get(name) ?? []).toSorted((a, b) => a - b);
  return all[Math.floor(all.length / 2)] ?? Number.NaN;
};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-bench-"));

const program = Effect.gen(function* () {
  const db = yield* Duckdb.Duckdb;
  const checked = yield* flights;
  const relation = yield* Table.relation(checked);

  const done = yield* timed(
    "materialise",
    FeatureStore.materialise(Five, { data: checked }, { until }),
  );
  yield* timed("materialise again", FeatureStore.materialise(Five, { data: checked }, { until }));
  yield* timed(
    "state by hand",
    db.rows(
      "aggregate",
      `SELECT count(*) FROM (SELECT origin, destination, epoch_ms(${knownAt}) // 86400000 AS hop, count(*), count_if(delay > 15)
       FROM ${relation} WHERE ${knownAt} >= TIMESTAMP '2001-05-04' GROUP BY ALL)`,
    ),
  );

  const requests = (yield* db.rows(
    "read requests",
    `SELECT origin, destination, minute FROM (SELECT origin, destination, "date", distance FROM ${relation}
       WHERE "date" >= TIMESTAMP '2001-06-01' USING SAMPLE reservoir(${requestCount} ROWS) REPEATABLE (1)),
       (SELECT 7 AS minute)`,
  )).map(({ origin, destination }, index): Asked => ({
    date: new Date(until.getTime() + (index % 60) * 60_000),
    distance: 500,
    origin: String(origin),
    destination: String(destination),
  }));

  const maps = yield* Effect.forEach(means, ({ by, hopMs, hops }) =>
    Effect.map(
      db.rows(
        "read buckets",
        `SELECT ${by.join(" || ' ' || ")} AS key, CAST(epoch_ms(${knownAt}) // ${hopMs} AS DOUBLE) AS hop,
           CAST(count(*) AS DOUBLE) AS n, CAST(count_if(delay > 15) AS DOUBLE) AS late
         FROM ${relation} WHERE epoch_ms(${knownAt}) >= ${until.getTime() - hops * hopMs}
           AND epoch_ms(${knownAt}) < ${until.getTime()} GROUP BY ALL`,
      ),
      (rows) => {
        const map = new Map<string, Map<number, readonly [number, number]>>();
        for (const { key, hop, n, late } of rows) {
          const buckets = map.get(String(key)) ?? new Map<number, readonly [number, number]>();
          map.set(String(key), buckets.set(Number(hop), [Number(n), Number(late)]));
        }
        return map;
      },
    ),
  );
  const hand = byHand(maps);
  yield* db.execute(
    "keep outcomes",
    `CREATE TABLE outcomes AS SELECT origin, destination, epoch_ms(${knownAt}) AS known, CAST(delay > 15 AS DOUBLE) AS late
     FROM ${relation} WHERE ${knownAt} >= TIMESTAMP '2001-05-04'`,
  );

  const online = yield* OnlineFeatures.fromStore(Five.spec);
  const answer = (request: Asked) =>
    Effect.map(online.rows([request]), ([one]) =>
      one === undefined || Result.isFailure(one) ? new Float64Array() : one.success.features,
    );
  for (const request of requests.slice(0, 200)) {
    const [own, other] = [yield* answer(request), hand(request)];
    const differs = own.some((value, index) => !Object.is(value, other[index]));
    if (differs) throw new Error(`the two disagree: ${own.join()} and ${other.join()}`);
  }
  for (let round = 0; round < rounds; round++) {
    yield* timed(
      "by hand",
      Effect.sync(() => {
        for (const request of requests) hand(request);
      }),
    );
    yield* timed(
      "one by one",
      Effect.sync(() => {
        for (const request of requests) Effect.runSync(answer(request));
      }),
    );
    yield* timed(
      "in lists of 100",
      Effect.sync(() => {
        for (let at = 0; at < requests.length; at += 100) {
          Effect.runSync(online.rows(requests.slice(at, at + 100)));
        }
      }),
    );
    yield* timed(
      "queries",
      Effect.forEach(requests.slice(0, queryCount), (request) => db.rows("ask", querySql(request))),
    );
  }
  yield* Effect.gen(function* () {
    const uncached = yield* OnlineFeatures.fromStore(Five.spec);
    for (let round = 0; round < rounds; round++) {
      yield* timed(
        "without a cache",
        Effect.sync(() => {
          for (const request of requests.slice(0, requestCount / 10)) {
            Effect.runSync(uncached.rows([request]));
          }
        }),
      );
    }
  }).pipe(Effect.provide(FeatureStore.FeatureStore.layer(folder, { cacheBytes: 0 })));

  const stream = (yield* db.rows(
    "read a stream",
    `SELECT epoch_ms("date"::TIMESTAMP)::DOUBLE AS date, delay::DOUBLE AS delay, distance::DOUBLE AS distance, origin, destination
     FROM ${relation} WHERE ${knownAt} >= TIMESTAMP '2001-06-01' ORDER BY ALL LIMIT ${streamed * 2}`,
  )).map((row) => ({
    date: new Date(Number(row["date"])),
    delay: Number(row["delay"]),
    distance: Number(row["distance"]),
    origin: String(row["origin"]),
    destination: String(row["destination"]),
  }));
  yield* timed(
    "append one by one",
    Effect.forEach(stream.slice(0, streamed), (row) => FeatureStore.append(Five, [row])),
  );
  yield* timed("append together", FeatureStore.append(Five, stream.slice(streamed)));
  return {
    rows: checked.rows,
    buckets: done.series.reduce((sum, one) => sum + one.bucketsWritten, 0),
  };
}).pipe(
  Effect.provideService(Stage.Reporter, () => Effect.void),
  Effect.provide(
    Layer.mergeAll(
      Duckdb.Duckdb.layer({ threads: 2, memoryLimit: "2GB" }),
      Artifact.ArtifactStore.layerTemporary,
      FeatureStore.FeatureStore.layer(folder),
    ),
  ),
);

const { rows, buckets } = await Effect.runPromise(program);
const size = fs.statSync(FeatureStore.fileIn(folder)).size / 1024 ** 2;
fs.rmSync(folder, { recursive: true, force: true });
const perSecond = (name: string, count: number) =>
  `${((count / median(name)) * 1000).toFixed(0)} a second`;
const times = (own: number, other: number) => `${(own / other).toFixed(2)}×`;
const each = (name: string, count: number) => median(name) / count;
console.log(
  `materialise ${rows} rows, ${buckets} buckets   ${median("materialise").toFixed(0)} ms   ${times(median("materialise"), median("state by hand"))} one aggregation by hand; again ${median("materialise again").toFixed(0)} ms; ${size.toFixed(1)} MiB`,
);
for (const [name, count] of [
  ["one by one", requestCount],
  ["in lists of 100", requestCount],
  ["without a cache", requestCount / 10],
] as const) {
  const own = each(name, count);
  console.log(
    `five windowed lookups, ${name}   ${perSecond(name, count)}   ${times(own, each("by hand", requestCount))} by hand, ${(each("queries", queryCount) / own).toFixed(0)} times as fast as a query of DuckDB`,
  );
}
console.log(`append   ${perSecond("append one by one", streamed)} one by one, each synced`);
console.log(`append   ${perSecond("append together", streamed)} together`);
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
