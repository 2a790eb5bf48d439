import * as fs from "node:fs/promises";
import { Artifact, Digest } from "@ml-pipe/core";
import { assert, describe, layer } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Predictor from "./Predictor.ts";
import { candidate, release, request } from "../test-fixtures/trips.ts";

const problemsOf = (predictor: Predictor.Predictor, json: unknown) => {
  const result = Effect.runSync(Effect.result(predictor.predict(json)));
  return Result.isFailure(result) && result.failure._tag === "RequestInvalid"
    ? result.failure.problems.map(
        ({ field, expected, found }) => `${field}: ${expected} | ${found}`,
      )
    : ["no problem"];
};

layer(Artifact.ArtifactStore.layerTemporary)("Predictor", (it) => {
  const load = release.pipe(Effect.flatMap(Predictor.load));

  it.effect("answers with a probability, a decision and the release", () =>
    Effect.gen(function* () {
      const predictor = yield* load;
      const prediction = yield* predictor.predict(request);
      // km at its mean; hour 0: 0.2·(0−12)/6 = −0.4; rain: 1·(1−0.5)/0.5 = 1; late 0.5: at its mean.
      assert.closeTo(
        "act" in prediction ? prediction.probability : NaN,
        1 / (1 + Math.exp(-0.6)),
        1e-12,
      );
      assert.deepInclude(prediction, {
        act: true,
        decision: "warn passengers? yes",
        release: "trip-delay@1",
        missing: [],
        stale: [],
        unseen: [],
        unavailable: [],
      });
      yield* predictor.predict(predictor.example);
    }),
  );

  it.effect("says which features have no value and which histories are stale", () =>
    Effect.gen(function* () {
      const predictor = yield* load;
      const at = "2001-06-02T01:00:00Z";
      const prediction = yield* predictor.predict({ ...request, rain: null, at });
      assert.deepEqual(prediction.missing, ["rain", "lateLately"]);
      assert.deepEqual(prediction.stale, ["lateLately"]);
    }),
  );

  it.effect("reports every problem of a request, with field, expected and found", () =>
    Effect.gen(function* () {
      const predictor = yield* load;
      const fields = "no other field than at, from, km, rain";
      const cases: ReadonlyArray<readonly [unknown, ReadonlyArray<string>]> = [
        [null, [": a JSON object | null"]],
        [[request], [": a JSON object | a list"]],
        ["text", [': a JSON object | "text"']],
        [{ ...request, extra: 1 }, [`extra: ${fields} | an extra field`]],
        [
          JSON.parse(`{"__proto__":1,${JSON.stringify(request).slice(1)}`),
          [`__proto__: ${fields} | an extra field`],
        ],
        [{ ...request, km: "NaN" }, ['km: a whole number from 1 to 5000 (km) | "NaN"']],
        [{ ...request, km: 5001 }, ["km: a whole number from 1 to 5000 (km) | 5001"]],
        [{ ...request, km: 1.5 }, ["km: a whole number from 1 to 5000 (km) | 1.5"]],
        [
          JSON.parse(JSON.stringify(request).replace("1000", "1e999")),
          ["km: a whole number from 1 to 5000 (km) | Infinity: not a number that JSON can hold"],
        ],
        [
          { at: "2001-06-01T10:15:00", km: null, from: "aaa", rain: 1, other: {} },
          [
            'at: an ISO 8601 instant with a zone, such as 2001-06-01T10:15:00Z | "2001-06-01T10:15:00"',
            'from: text that matches [A-Z]{3} | "aaa"',
            "km: a whole number from 1 to 5000 (km) | null",
            "rain: true or false, or null | 1",
            `other: ${fields} | an extra field`,
          ],
        ],
        [
          {},
          [
            "at: an ISO 8601 instant with a zone, such as 2001-06-01T10:15:00Z | nothing: the field is missing",
            "from: text that matches [A-Z]{3} | nothing: the field is missing",
            "km: a whole number from 1 to 5000 (km) | nothing: the field is missing",
            "rain: true or false, or null | nothing: the field is missing",
          ],
        ],
      ];
      for (const [json, expected] of cases) assert.deepEqual(problemsOf(predictor, json), expected);
    }),
  );

  it.effect("keeps its answer short, however large the request", () =>
    Effect.gen(function* () {
      const predictor = yield* load;
      const many = Object.fromEntries(
        Array.from({ length: 10_000 }, (_, i) => [`${i}`.repeat(50), i]),
      );
      const problems = problemsOf(predictor, { ...many, from: "x".repeat(1_000_000) });
      assert.isAtMost(problems.length, 100);
      assert.isBelow(problems.join().length, 20_000);
    }),
  );

  describe("refuses to load", () => {
    it.effect("a model with a flipped bit", () =>
      Effect.gen(function* () {
        const one = { ...(yield* candidate({ intercept: 0.5 })), version: 1 };
        const store = yield* Artifact.ArtifactStore;
        const file = yield* store.path(one.model.document);
        const bytes = yield* Effect.promise(() => fs.readFile(file));
        bytes[bytes.length >> 1]! ^= 1;
        yield* Effect.promise(() => fs.writeFile(file, bytes));
        const error = yield* Effect.flip(Predictor.load(one));
        assert.strictEqual(error._tag, "ArtifactMissing");
        assert.include(error.message, "does not match its digest");
      }),
    );

    it.effect("a verdict on another model", () =>
      Effect.gen(function* () {
        const one = yield* release;
        const model = {
          ...one.model,
          document: { ...one.model.document, digest: Digest.ofBytes("another") },
        };
        const error = yield* Effect.flip(Predictor.load({ ...one, model }));
        assert.strictEqual(
          error.message,
          "release trip-delay@1 is not served: its verdict is on another model. Run the pipeline again to release it anew.",
        );
      }),
    );

    it.effect("a model of another feature set than the release says", () =>
      Effect.gen(function* () {
        const one = yield* release;
        const featureSet = { ...one.model.featureSet, digest: Digest.ofBytes("another") };
        const model = { ...one.model, featureSet };
        const error = yield* Effect.flip(Predictor.load({ ...one, model }));
        assert.include(error.message, "trained on another feature set than trip-features");
      }),
    );

    it.effect("a request that lacks a column of its features", () =>
      Effect.gen(function* () {
        const one = yield* release;
        const { km: _, ...columns } = one.request.columns;
        const error = yield* Effect.flip(
          Predictor.load({ ...one, request: { ...one.request, columns } }),
        );
        assert.include(error.message, "the columns that its features need: at, from, km, rain");
      }),
    );

    it.effect("histories of another form", () =>
      Effect.gen(function* () {
        const store = yield* Artifact.ArtifactStore;
        const histories = yield* store.putJson([{ history: 1 }]);
        const error = yield* Effect.flip(Predictor.load({ ...(yield* release), histories }));
        assert.include(error.message, "the state of its histories has another form");
      }),
    );
  });
});
