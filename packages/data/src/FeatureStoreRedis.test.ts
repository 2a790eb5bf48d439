/** The store in a real Redis server. Skipped, and counted as such, where the machine has none. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as tls from "node:tls";
import { assert, describe, it } from "@effect/vitest";
import { createClient } from "@redis/client";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Redacted from "effect/Redacted";
import * as Result from "effect/Result";
import * as fc from "fast-check";
import {
  bySql,
  hour,
  namesOf,
  prunes,
  same,
  together,
  Trip,
  SomeFeatures,
  type TripRow,
  tripRows,
} from "../test-fixtures/histories.ts";
import * as lookups from "../test-fixtures/lookups.ts";
import { certificate, cutAfter, redisProgram, startRedis } from "../test-fixtures/redis.ts";
import { services, tableOf } from "../test-fixtures/tables.ts";
import * as FeatureStore from "./FeatureStore.ts";
import * as FeatureStoreRedis from "./FeatureStoreRedis.ts";
import * as OnlineFeatures from "./OnlineFeatures.ts";

const names = namesOf(SomeFeatures);
const password = "s3cr3t-password";

const started = Effect.map(startRedis(redisProgram ?? "", password), ({ port, stop }) => {
  const url = (word: string, by = port) => Redacted.make(`redis://:${word}@127.0.0.1:${by}`);
  return {
    stop,
    layer: (by = port) => Layer.fresh(FeatureStoreRedis.layer({ url: url(password, by) })),
    keys: Effect.promise(async () => {
      const client = createClient({ url: Redacted.value(url(password)) });
      await client.connect();
      const found = await client.keys("*");
      client.destroy();
      return found;
    }),
    wrong: FeatureStoreRedis.layer({ url: url("wrong-password") }),
    port,
  };
});

const row: TripRow = {
  id: 1,
  test: 0,
  at: new Date(hour),
  known: new Date(hour),
  from: "A",
  line: 1,
  minutes: 7,
};

describe.skipIf(redisProgram === undefined)("FeatureStoreRedis", { timeout: 60_000 }, () => {
  it.live("serves what is looked up, materialised and streamed", () =>
    Effect.gen(function* () {
      const { layer } = yield* started;
      const { Order, OrderFeatures, Price, Shop, byDefinition, tests } = lookups;
      const { orders, prices } = lookups.together(fc.sample(tests, { numRuns: 40, seed: 8 }));
      const price = yield* tableOf(Price, "checked", prices);
      const shop = yield* tableOf(Shop, "checked", []);
      const tables = { data: yield* tableOf(Order, "checked", orders), price, shop };
      // The two minutes in which most are decided: both lookups have a hop that begins with them.
      const hops = Map.groupBy(orders, ({ at }) => Math.floor(at.getTime() / 120_000) * 120_000);
      const [[start, both] = [0, []]] = [...hops].toSorted((a, b) => b[1].length - a[1].length);
      const asked = both.filter(({ at }) => at.getTime() < start + 60_000);
      const until = new Date(start);
      yield* Effect.gen(function* () {
        const before = new Date(start - 3 * 60_000);
        yield* FeatureStore.materialise(OrderFeatures, tables, { until: before });
        const options = { knownUntil: until };
        for (const _ of [1, 2]) {
          const rows = prices.toReversed();
          yield* FeatureStore.appendLookup(OrderFeatures, "price", rows, options);
        }
        const online = yield* OnlineFeatures.fromStore(OrderFeatures.spec, {
          timeout: "30 seconds",
        });
        let compared = 0;
        for (const [index, found] of (yield* online.rows(asked)).entries()) {
          const { features } = Result.getOrThrow(found);
          const expected = byDefinition(asked[index]!, prices, []);
          for (const [name, value] of Object.entries(expected)) {
            if (name === "staff" || name === "each") continue;
            const served = features[namesOf(OrderFeatures).indexOf(name)] ?? Number.NaN;
            assert.strictEqual(Number.isNaN(served) ? null : served, value, name);
            if (value !== null) compared++;
          }
        }
        assert.isAbove(compared, 20);
      }).pipe(Effect.provide(layer()));
    }).pipe(Effect.provide(services)),
  );

  it.live("serves what the batch computes, materialised and streamed", () =>
    Effect.gen(function* () {
      const { layer } = yield* started;
      const rows = together(fc.sample(tripRows, { numRuns: 15, seed: 46 }));
      const table = yield* tableOf(Trip, "checked", rows);
      const batch = yield* bySql(rows, SomeFeatures);
      // The minute in which most are decided.
      const minutes = Map.groupBy(rows, (one) => Math.floor(one.at.getTime() / 60_000) * 60_000);
      const [[at, asked] = [0, []]] = [...minutes].toSorted((a, b) => b[1].length - a[1].length);
      yield* Effect.gen(function* () {
        yield* FeatureStore.materialise(
          SomeFeatures,
          { data: table },
          { until: new Date(at - 4 * hour) },
        );
        const half = rows.length >> 1;
        yield* FeatureStore.append(SomeFeatures, rows.slice(half));
        yield* FeatureStore.append(SomeFeatures, rows.slice(0, half));
        const again = yield* FeatureStore.append(SomeFeatures, rows, { knownUntil: new Date(at) });
        assert.deepStrictEqual([again.applied, again.changed], [0, 0]);

        const online = yield* OnlineFeatures.fromStore(SomeFeatures.spec, {
          timeout: "30 seconds",
        });
        assert.isFalse(online.synchronous);
        const compare = Effect.gen(function* () {
          let compared = 0;
          for (const [index, found] of (yield* online.rows(asked)).entries()) {
            const { features, stale } = Result.getOrThrow(found);
            assert.deepStrictEqual(stale, []);
            for (const [f, value] of features.entries()) {
              const expected = batch[asked[index]?.id ?? -1]?.[f] ?? null;
              const served = Number.isNaN(value) ? null : value;
              assert.isTrue(same(served, expected), `${names[f]}: ${served}, batch ${expected}`);
              compared++;
            }
          }
          assert.isAbove(compared, 50);
        });
        yield* compare;
        const taken = yield* FeatureStore.materialise(
          SomeFeatures,
          { data: table },
          { until: new Date(at) },
        );
        assert.isTrue(taken.series.some(({ hopsWritten }) => hopsWritten > 0));
        yield* compare;
        const kept = yield* FeatureStore.materialise(
          SomeFeatures,
          { data: table },
          { until: new Date(at) },
        );
        assert.isTrue(kept.series.every(({ hopsWritten }) => hopsWritten === 0));
      }).pipe(Effect.provide(layer()));
    }).pipe(Effect.provide(services)),
  );

  it.live("loses nothing when several append at once", () =>
    Effect.gen(function* () {
      const { layer } = yield* started;
      const table = yield* tableOf(Trip, "checked", []);
      const writers = 4;
      yield* FeatureStore.materialise(SomeFeatures, { data: table }, { until: new Date(0) }).pipe(
        Effect.provide(layer()),
      );
      yield* Effect.forEach(
        Array.from({ length: writers }, (_, writer) => writer),
        (writer) =>
          Effect.forEach(
            [0, 1, 2].map((id) => ({ ...row, id: id * writers + writer })),
            (one) => FeatureStore.append(SomeFeatures, [one, row]),
          ).pipe(Effect.provide(layer())),
        { concurrency: writers },
      );
      yield* Effect.gen(function* () {
        const { rows } = yield* OnlineFeatures.fromStore(SomeFeatures.spec, {
          timeout: "30 seconds",
        });
        const [found] = yield* rows([{ ...row, at: new Date(2 * hour) }]);
        const { features } = Result.getOrThrow(found!);
        assert.strictEqual(features[names.indexOf("count_0_0")], 3 * writers);
      }).pipe(Effect.provide(layer()));
    }).pipe(Effect.provide(services)),
  );

  it.live("takes rows in all histories or in none, wherever a writer is cut off", () =>
    Effect.gen(function* () {
      const { layer, port } = yield* started;
      yield* Effect.gen(function* () {
        const table = yield* tableOf(Trip, "checked", []);
        yield* FeatureStore.materialise(SomeFeatures, { data: table }, { until: new Date(0) });
        const online = yield* OnlineFeatures.fromStore(SomeFeatures.spec, {
          timeout: "30 seconds",
        });
        /** Appends two rows of one entity; says how many each series counts after. */
        const attempt = Effect.fnUntraced(function* (test: number, bytes: number) {
          const rows = [0, 1].map((id) => ({ ...row, test, id }));
          const way = yield* cutAfter(port, bytes);
          const done = yield* FeatureStore.append(SomeFeatures, rows).pipe(
            Effect.provide(layer(way.port)),
            Effect.result,
          );
          const [found] = yield* online.rows([{ ...row, test, at: new Date(hour + 60_000) }]);
          const { features } = Result.getOrThrow(found!);
          const counted = features.filter((_, index) => names[index]?.startsWith("count_2"));
          return { counted: new Set(counted), done: Result.isSuccess(done), sent: way.sent() };
        }, Effect.scoped);
        const whole = yield* attempt(10, 1e9);
        assert.deepStrictEqual([whole.done, ...whole.counted], [true, 2]);
        // From the first write on: before it the rows are only looked up.
        const cuts = [0.65, 0.72, 0.79, 0.86, 0.93, 0.99];
        for (const [index, share] of cuts.entries()) {
          const { counted } = yield* attempt(11 + index, Math.floor(whole.sent * share));
          assert.deepStrictEqual([...counted], [0], `cut after ${share} of what is sent`);
        }
      }).pipe(Effect.provide(layer()));
    }).pipe(Effect.provide(services)),
  );

  it.live("drops what nobody needs or wrote to lately, and leaves no key of it", () =>
    Effect.gen(function* () {
      const { layer, keys } = yield* started;
      yield* prunes.pipe(Effect.provide(layer()));
      const { dropped } = yield* FeatureStore.prune([], { idle: 0 }).pipe(Effect.provide(layer()));
      assert.strictEqual(dropped.length, 1);
      assert.deepStrictEqual(yield* keys, []);
    }).pipe(Effect.provide(services)),
  );

  it.live("goes on with missing values, or refuses, when the server is gone", () =>
    Effect.gen(function* () {
      const { layer, stop, wrong, port } = yield* started;
      const refused = yield* Effect.flip(
        FeatureStore.freshness(SomeFeatures.spec, new Date(0)).pipe(Effect.provide(wrong)),
      );
      assert.strictEqual(refused._tag, "FeatureStoreError");
      assert.include(refused.message, `redis://127.0.0.1:${port} could not be reached: WRONGPASS`);
      assert.notInclude(JSON.stringify(refused), "password@");

      const table = yield* tableOf(Trip, "checked", []);
      yield* Effect.gen(function* () {
        yield* FeatureStore.materialise(SomeFeatures, { data: table }, { until: new Date(0) });
        const lenient = yield* OnlineFeatures.fromStore(SomeFeatures.spec);
        const strict = yield* OnlineFeatures.fromStore(SomeFeatures.spec, { otherwise: "refuse" });
        yield* stop;
        const begun = Date.now();
        const [missing] = yield* lenient.rows([row]);
        const { features, unavailable } = Result.getOrThrow(missing!);
        assert.strictEqual(unavailable.length, names.length);
        assert.isTrue(features.every(Number.isNaN));
        const [none] = yield* strict.rows([row]);
        assert.isTrue(none !== undefined && Result.isFailure(none));
        assert.isBelow(Date.now() - begun, 5_000);
        const error = yield* Effect.flip(FeatureStore.append(SomeFeatures, [row]));
        assert.strictEqual(error._tag, "FeatureStoreError");
      }).pipe(Effect.provide(layer()));
    }).pipe(Effect.provide(services)),
  );

  const reach = (url: string) =>
    FeatureStore.prune([], { idle: 0 }).pipe(
      Effect.provide(Layer.fresh(FeatureStoreRedis.layer({ url: Redacted.make(url) }))),
    );

  it.live("talks over TLS to a server whose certificate is trusted", ({ skip }) =>
    Effect.gen(function* () {
      const { key, cert, made } = yield* certificate;
      skip(!made, "the machine has no openssl");
      const { port } = yield* startRedis(redisProgram ?? "", password, (port) =>
        [
          ["--port", "0", "--tls-port", String(port), "--tls-auth-clients", "no"],
          ["--tls-key-file", key, "--tls-cert-file", cert, "--tls-ca-cert-file", cert],
        ].flat(),
      );
      const url = `rediss://:${password}@localhost:${port}`;
      const error = yield* Effect.flip(reach(url));
      assert.include(error.message, "DEPTH_ZERO_SELF_SIGNED_CERT. Its certificate is not trusted");
      assert.include(error.message, "NODE_EXTRA_CA_CERTS");
      const before = tls.getCACertificates("default");
      tls.setDefaultCACertificates([...before, fs.readFileSync(cert, "utf8")]);
      yield* reach(url).pipe(
        Effect.ensuring(Effect.sync(() => tls.setDefaultCACertificates(before))),
      );
    }),
  );

  it.live("refuses a cluster, and says what is wrong with an address", () =>
    Effect.gen(function* () {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-cluster-"));
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
      );
      const { port, stop } = yield* startRedis(redisProgram ?? "", password, () => [
        "--cluster-enabled",
        "yes",
        "--cluster-config-file",
        path.join(folder, "nodes.conf"),
      ]);
      const url = `redis://:${password}@127.0.0.1:${port}`;
      const cluster = yield* Effect.flip(reach(url));
      assert.include(cluster.message, "could not be reached: it is a Redis Cluster");
      yield* stop;
      const refused = yield* Effect.flip(reach(url));
      // A server that is just ending hangs up.
      assert.match(refused.message, /could not be reached: ECONN(?:REFUSED|RESET)/);
      const other = yield* Effect.flip(reach(`http://:${password}@127.0.0.1`));
      assert.include(other.message, "Expected redis: or rediss:");
      for (const { message } of [cluster, refused, other]) assert.notInclude(message, password);
    }),
  );
});
