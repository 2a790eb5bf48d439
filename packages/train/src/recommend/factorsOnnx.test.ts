/** Matrix factorisations as ONNX files: equal scores, unknown names, and what has no such form. */
import { assert, describe, it } from "@effect/vitest";
import { Artifact } from "@ml-pipe/core";
import { Duckdb, Onnx, Recommender, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Rating, Ratings } from "../../test-fixtures/recommenders.ts";
import * as Train from "../Train.ts";

const withTables = Effect.provide(
  Layer.mergeAll(Duckdb.Duckdb.layer({ threads: 1 }), Artifact.ArtifactStore.layerTemporary),
);

/** Forty users with names that need quoting, of whom each rated every third of thirty films. */
const train = Table.write(Rating, "train", {
  query: `SELECT 'user "é" ' || u AS user, f::BIGINT AS film, 1 + (u * f + u) % 5 AS stars,
      TIMESTAMP '2020-01-01' + to_days(f::INTEGER) AS at
    FROM range(40) a(u), range(30) b(f) WHERE (u + f) % 3 = 0 ORDER BY ALL`,
  split: "split-1",
});

const scored = async (
  file: Uint8Array,
  pairs: ReadonlyArray<readonly [user: string, item: string]>,
): Promise<ReadonlyArray<number>> => {
  const runtime = await import("onnxruntime-node");
  const session = await runtime.InferenceSession.create(file, { intraOpNumThreads: 1 });
  const input = (at: 0 | 1) =>
    new runtime.Tensor(
      "string",
      pairs.map((pair) => pair[at]),
      [pairs.length, 1],
    );
  const { score } = await session.run({ user: input(0), item: input(1) });
  await session.release();
  assert.deepStrictEqual(score?.dims, [pairs.length, 1]);
  return Array.from(score?.data ?? [], Number);
};

describe("Onnx.encodeRecommender", () => {
  for (const feedback of ["implicit", "explicit"] as const) {
    it.effect(`gives the scores of ${feedback} factors, and none for who is not known`, () =>
      Effect.gen(function* () {
        const data = yield* train;
        const options = { feedback, factors: 3, iterations: 3 };
        const recommender = yield* Train.factors(Ratings, options).run({ train: data });
        const lists = yield* Recommender.candidates(Ratings).run({ recommender, train: data });
        const db = yield* Duckdb.Duckdb;
        const rows = yield* db.rows("look", `FROM ${yield* Table.relation(lists)}`);
        assert.isAbove(rows.length, 500);
        const file = yield* Onnx.encodeRecommender(recommender);
        const found = yield* Effect.promise(() =>
          scored(
            file,
            rows.map(({ user, item }) => [String(user), String(item)]),
          ),
        );
        for (const [at, { score }] of rows.entries()) {
          assert.closeTo(found[at] ?? Number.NaN, Number(score), 1e-9);
        }
        const strangers = yield* Effect.promise(() =>
          scored(file, [
            ["nobody", "3"],
            ['user "é" 1', "99"],
          ]),
        );
        assert.deepStrictEqual(strangers, [Number.NaN, Number.NaN]);
        assert.deepStrictEqual(file, yield* Onnx.encodeRecommender(recommender));
      }).pipe(Effect.scoped, withTables),
    );
  }

  it.effect("refuses what is no formula of a user and an item, and says why", () =>
    Effect.gen(function* () {
      const data = yield* train;
      const refusalOf = (stage: ReturnType<typeof Train.popularity<typeof Rating>>) =>
        stage
          .run({ train: data })
          .pipe(Effect.flatMap(Onnx.encodeRecommender), Effect.flip, Effect.map(String));
      assert.match(
        yield* refusalOf(Train.itemNeighbours(Ratings)),
        /"item neighbours" has no ONNX form: what it says depends on all that a user has liked/,
      );
      assert.match(
        yield* refusalOf(Train.popularity(Ratings)),
        /"popularity" has no ONNX form: it is one order of the items.*Deploy\.system/,
      );
    }).pipe(Effect.scoped, withTables),
  );
});
