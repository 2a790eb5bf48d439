/** A service without Effect that reads fresh state from a real Redis server; skipped without one. */
import { Artifact } from "@ml-pipe/core";
import { Duckdb, FeatureStore, FeatureStoreRedis, Table } from "@ml-pipe/data";
import { openReleaseAsync } from "@ml-pipe/deploy/embed";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Redacted from "effect/Redacted";
import { assert, it } from "vitest";
import { redisProgram, startRedis } from "../../packages/data/test-fixtures/redis.ts";
import { released } from "../../packages/deploy/test-fixtures/stateFolder.ts";
import { request, Trip, TripFeatures } from "../../packages/deploy/test-fixtures/trips.ts";

const at = new Date(request.at);

it.skipIf(redisProgram === undefined)("a release is embedded with its state in Redis", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const folder = yield* released;
      const { port, stop } = yield* startRedis(redisProgram ?? "", "secret");
      const url = `redis://:secret@127.0.0.1:${port}`;
      yield* Effect.gen(function* () {
        const nothing = yield* Table.write(Trip, "checked", {
          query: `SELECT NULL::TIMESTAMP AS "at", NULL::INTEGER AS km, NULL::VARCHAR AS "from",
            NULL::BOOLEAN AS rain, NULL::INTEGER AS delay LIMIT 0`,
        });
        yield* FeatureStore.materialise(TripFeatures, { data: nothing }, { until: at });
      }).pipe(
        Effect.provide(
          Layer.mergeAll(
            FeatureStoreRedis.layer({ url: Redacted.make(url) }),
            Artifact.ArtifactStore.layer(folder),
            Duckdb.Duckdb.layer({ threads: 1 }),
          ),
        ),
      );
      const store = { url, timeoutMillis: 30_000, refuse: true };
      const model = yield* Effect.promise(() => openReleaseAsync(folder, "trip-delay", { store }));
      const answered = yield* Effect.promise(() => model.predict(request));
      assert.isTrue(answered.ok);
      if (answered.ok) assert.deepStrictEqual(answered.prediction.unseen, ["lateLately"]);
      yield* stop;
      const gone = yield* Effect.promise(() => model.predict(request));
      assert.strictEqual(
        gone.ok ? undefined : gone.problems[0]?.expected,
        "the state of lateLately",
      );
      yield* Effect.promise(model.close);
      const failed = yield* Effect.promise(() =>
        openReleaseAsync(folder, "trip-delay", { store }).catch(String),
      );
      assert.include(String(failed), "could not be reached: ECONNREFUSED");
      assert.notInclude(String(failed), "secret");
    }).pipe(Effect.scoped),
  ),
);
