import { assert, describe, it } from "@effect/vitest";
import { Artifact } from "@ml-pipe/core";
import { Duckdb, FeatureStore, type OnlineFeatures, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import { released } from "../test-fixtures/stateFolder.ts";
import { request, Trip, TripFeatures } from "../test-fixtures/trips.ts";
import { openRelease } from "./embed.ts";
import * as Predictor from "./Predictor.ts";
import * as Serve from "./Serve.ts";

const until = new Date("2001-06-01T00:00:00Z");

/** Eight trips from AAA before June, half of them late. */
const trips = Table.write(Trip, "checked", {
  query: `SELECT TIMESTAMP '2001-05-31 10:00:00' + INTERVAL (i) HOUR AS "at", 100 AS km, 'AAA' AS "from",
    NULL::BOOLEAN AS rain, CAST(if(i % 2 = 0, 30, 0) AS INTEGER) AS delay FROM range(8) t(i) ORDER BY "at"`,
});

const inStore = (folder: string) =>
  Effect.provide(
    Layer.mergeAll(
      FeatureStore.FeatureStore.layer(folder),
      Artifact.ArtifactStore.layer(folder),
      Duckdb.Duckdb.layer({ threads: 1 }),
    ),
  );

/** A state folder with a release, and the state of its histories up to June in the feature store. */
const materialised = Effect.tap(released, (folder) =>
  Effect.flatMap(trips, (table) =>
    FeatureStore.materialise(TripFeatures, { data: table }, { until }),
  ).pipe(inStore(folder)),
);

const onTime = (at: string) => ({
  at: new Date(at),
  km: 100,
  from: "AAA",
  rain: null,
  delay: 0,
});

/** What a predictor says of a request at an instant. */
const says = (predictor: Predictor.Predictor, at: string, from = "AAA") => {
  const [one] = Effect.runSync(predictor.answer([{ ...request, at, from }]));
  assert.isDefined(one);
  return Result.getOrThrow(one);
};

const opened = Effect.fnUntraced(function* (
  folder: string,
  options: OnlineFeatures.StateOptions = {},
) {
  const store = yield* Layer.build(FeatureStore.FeatureStore.layer(folder));
  return yield* Predictor.openWithStore(folder, "trip-delay", options).pipe(Effect.provide(store));
});

describe("Predictor.openWithStore", { timeout: 30_000 }, () => {
  it.live("answers as from the release, then from what has become known since", () =>
    Effect.gen(function* () {
      const folder = yield* materialised;
      const carried = yield* Predictor.open(folder, "trip-delay");
      const predictor = yield* opened(folder);
      assert.deepStrictEqual(says(predictor, request.at), says(carried, request.at));
      assert.isTrue(predictor.synchronous);

      // An hour later the release knows nothing more; the store was told of two trips on time.
      const later = "2001-06-01T02:10:00Z";
      assert.deepStrictEqual(says(carried, later).prediction.stale, ["lateLately"]);
      yield* FeatureStore.append(
        TripFeatures,
        [onTime("2001-06-01T00:20:00Z"), onTime("2001-06-01T01:20:00Z")],
        { knownUntil: new Date("2001-06-01T02:05:00Z") },
      ).pipe(inStore(folder));
      const { prediction, features } = says(predictor, later);
      assert.deepStrictEqual(prediction.stale, []);
      assert.closeTo(features[3] ?? 0, 4 / 10, 1e-12);

      assert.deepStrictEqual(says(predictor, later, "NEW").prediction.unseen, ["lateLately"]);
      const [fresh] = yield* predictor.freshness(new Date("2001-06-01T04:30:00Z"));
      assert.deepInclude(fresh, { feature: "lateLately", hopMillis: 3_600_000 });
      assert.strictEqual(fresh?.ageMillis, 115 * 60_000);
    }),
  );

  it.live("takes no state that is older than it may be", () =>
    Effect.gen(function* () {
      const folder = yield* materialised;
      const at = "2001-06-01T03:30:00Z";
      const missing = yield* opened(folder, { maxAge: "2 hours" });
      assert.deepStrictEqual(says(missing, at).prediction.unavailable, ["lateLately"]);
      assert.deepStrictEqual(says(missing, at).prediction.missing, ["lateLately"]);
      assert.deepStrictEqual(says(missing, "2001-06-01T02:30:00Z").prediction.stale, [
        "lateLately",
      ]);
      const strict = { maxAge: "2 hours", otherwise: "refuse" } as const;
      const refusing = yield* opened(folder, strict);
      const refused = yield* Effect.flip(refusing.predict({ ...request, at }));
      assert.strictEqual(
        refused.message,
        "the state of lateLately is not available: it ends 10800 s before the decision, and at most 7200 s are accepted. Try again later, or serve with missing values instead.",
      );

      const { url } = yield* Serve.server({ predictor: refusing, port: 0 });
      const post = (body: unknown) =>
        Effect.promise(() =>
          fetch(`${url}/predict`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
          }),
        );
      const reply = yield* post([request, { ...request, at }]);
      assert.strictEqual(reply.status, 503);
      assert.strictEqual(reply.headers.get("retry-after"), "1");
      const json: unknown = yield* Effect.promise(() => reply.json());
      assert.strictEqual(Object(json).problems[0].field, "[1]");
      assert.strictEqual(Object(json).problems[0].expected, "the state of lateLately");
      // What is wrong with a request is said first.
      assert.strictEqual(
        (yield* post([
          { ...request, km: 0 },
          { ...request, at },
        ])).status,
        422,
      );
      assert.strictEqual((yield* post(request)).status, 200);
    }),
  );

  it.live("says so if the store has no state of the features", () =>
    Effect.gen(function* () {
      const folder = yield* released;
      const error = yield* Effect.flip(opened(folder));
      assert.strictEqual(error._tag, "StateMissing");
      assert.include(error.message, 'no state of lateLately of "trip-features"');
    }),
  );

  it.live("is embedded in a service without Effect", () =>
    Effect.gen(function* () {
      const folder = yield* materialised;
      const model = yield* Effect.promise(() =>
        openRelease(folder, "trip-delay", { store: { maxAgeMillis: 0, refuse: true } }),
      );
      assert.isTrue(model.predict(request).ok);
      assert.deepStrictEqual(model.predict({ ...request, at: "2001-06-01T01:30:00Z" }), {
        ok: false,
        problems: [
          {
            field: "",
            expected: "the state of lateLately",
            found: "it ends 3600 s before the decision, and at most 0 s are accepted",
          },
        ],
      });
    }),
  );
});
