import * as fs from "node:fs/promises";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { Artifact } from "@ml-pipe/core";
import { Model, Onnx, Release } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { layersOf, publishIn, temporary } from "../test-fixtures/stateFolder.ts";
import { candidate, judge, request, storeModel, TripFeatures } from "../test-fixtures/trips.ts";
import { openRelease, openReleaseAsync } from "./embed.ts";
import * as Predictor from "./Predictor.ts";
import * as Recording from "./Recording.ts";
import { Registry } from "./Registry.ts";
import * as Serve from "./Serve.ts";

/** A state folder with the hand-made model as `trip-delay@1`, and the same in ONNX as `trip-onnx@1`. */
const both = Effect.gen(function* () {
  const folder = yield* temporary;
  yield* publishIn(folder);
  yield* Effect.gen(function* () {
    const built = yield* storeModel();
    const file = path.join(folder, "trips.onnx");
    const bytes = yield* Onnx.encode(yield* Model.load(built));
    yield* Effect.promise(() => fs.writeFile(file, bytes));
    const { trainedOn } = built;
    const model = yield* Model.importOnnx(TripFeatures, file, { trainedOn });
    const release = { ...(yield* candidate({ name: "trip-onnx" })), model, verdict: judge(model) };
    yield* Registry.use(({ publish }) => publish(release));
  }).pipe(Effect.provide(layersOf(folder)));
  return folder;
});

const at = "2001-06-02T01:00:00Z";
const requests = [request, { ...request, km: 4000 }, { ...request, rain: null, at }];

describe("a release whose model is in ONNX", () => {
  it.live("answers as the built-in model does that it was made of", () =>
    Effect.gen(function* () {
      const folder = yield* both;
      const built = yield* Predictor.open(folder, "trip-delay");
      const onnx = yield* Predictor.open(folder, "trip-onnx");
      assert.deepStrictEqual([built.synchronous, onnx.synchronous], [true, false]);
      for (const one of requests) {
        const [expected, found] = [yield* built.predict(one), yield* onnx.predict(one)];
        assert.isTrue("probability" in expected && "probability" in found);
        if (!("probability" in expected && "probability" in found)) return;
        assert.approximately(found.probability, expected.probability, 1e-9);
        const { probability, release } = expected;
        assert.deepStrictEqual({ ...found, probability, release }, expected);
      }
      const wrong = yield* Effect.flip(onnx.predict({ ...request, km: "far" }));
      assert.strictEqual(wrong._tag, "RequestInvalid");
      // Together: those that are wrong do not move the answers of the others.
      const answers = yield* onnx.answer([{}, request, null, requests[1]]);
      assert.deepStrictEqual(
        answers.map(({ _tag }) => _tag),
        ["Failure", "Success", "Failure", "Success"],
      );
    }).pipe(Effect.scoped),
  );

  it.live("is served, one request and a list, and recorded", () =>
    Effect.gen(function* () {
      const folder = yield* both;
      const file = path.join(folder, "served.ndjson");
      yield* Effect.scoped(
        Effect.gen(function* () {
          const predictor = yield* Predictor.open(folder, "trip-onnx");
          const recorded = yield* Recording.record(predictor, { file });
          const { url } = yield* Serve.server({ predictor: recorded, port: 0 });
          const post = (body: unknown) =>
            Effect.promise(async () => {
              const reply = await fetch(`${url}/predict`, {
                method: "POST",
                headers: { "content-type": "application/json" },
                body: JSON.stringify(body),
              });
              const json: unknown = await reply.json();
              return { status: reply.status, json };
            });
          const one = yield* post(request);
          assert.strictEqual(one.status, 200);
          assert.deepInclude(one.json, { release: "trip-onnx@1", act: true });
          const list = yield* post(requests);
          assert.strictEqual(list.status, 200);
          assert.isTrue(Array.isArray(list.json) && list.json.length === 3);
          assert.strictEqual((yield* post({ ...request, km: -1 })).status, 422);
        }),
      );
      const lines = (yield* Effect.promise(() => fs.readFile(file, "utf8"))).trim().split("\n");
      assert.strictEqual(lines.length, 4);
    }).pipe(Effect.scoped),
  );

  it.live("is embedded with await; without, the error says how", () =>
    Effect.gen(function* () {
      const folder = yield* both;
      const model = yield* Effect.promise(() => openReleaseAsync(folder, "trip-onnx"));
      const answers = yield* Effect.promise(() => Promise.all(requests.map(model.predict)));
      assert.isTrue(answers.every(({ ok }) => ok));
      assert.isFalse((yield* Effect.promise(() => model.predict(null))).ok);
      yield* Effect.promise(() => model.close());
      const late = yield* Effect.promise(() => model.predict(request).then(() => "", String));
      assert.match(late, /could not compute|thread ended/);
      const sync = yield* Effect.promise(() =>
        openRelease(folder, "trip-onnx").then(() => "", String),
      );
      assert.match(sync, /trip-onnx@1 does not answer at once.* in ONNX .*openReleaseAsync/);
      const built = yield* Effect.promise(() => openReleaseAsync(folder, "trip-delay"));
      assert.isTrue((yield* Effect.promise(() => built.predict(request))).ok);
    }).pipe(Effect.scoped),
  );

  it.live("is not loaded when its file was changed or is gone", () =>
    Effect.gen(function* () {
      const folder = yield* both;
      const store = yield* Artifact.ArtifactStore.pipe(Effect.provide(layersOf(folder)));
      const { model } = yield* Registry.use(({ get }) => get("trip-onnx")).pipe(
        Effect.flatMap((one) => Release.requireModel(one, "file")),
        Effect.provide(layersOf(folder)),
      );
      if (model.file === undefined) return assert.fail("no file");
      const file = yield* store.path(model.file);
      const bytes = yield* Effect.promise(() => fs.readFile(file));
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      yield* Effect.promise(() => fs.writeFile(file, bytes));
      const damaged = yield* Effect.flip(Predictor.open(folder, "trip-onnx"));
      assert.match(damaged.message, /does not match its digest/);
      yield* Effect.promise(() => fs.rm(file));
      const gone = yield* Effect.flip(Predictor.open(folder, "trip-onnx"));
      assert.match(gone.message, /is not there/);
    }).pipe(Effect.scoped),
  );
});
