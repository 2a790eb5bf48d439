import { assert, describe, it } from "@effect/vitest";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Artifact, Column, Contract, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import * as Calibration from "./Calibration.ts";
import * as Estimator from "./Estimator.ts";
import * as FeatureSet from "./FeatureSet.ts";
import type * as Model from "./Model.ts";
import * as Onnx from "./Onnx.ts";
import * as Scoring from "./Scoring.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "lab",
  columns: { km: Column.float(), late: Column.boolean({ availableAt: "outcome" }) },
});
const { spec: featureSet } = FeatureSet.make("trips", {
  version: "1",
  of: Trip,
  features: ($) => ({ km: $.km }),
  label: ($) => $.late,
});

const documentOf = (
  estimator: Estimator.Estimator,
  calibration?: Calibration.Calibration,
): Model.ModelDocument => ({
  featureSet,
  signature:
    Estimator.width(estimator) === 1
      ? { _tag: "probability" }
      : {
          _tag: "classes",
          classes: Array.from({ length: Estimator.width(estimator) }, (_, k) => `c${k}`),
        },
  estimator,
  ...(calibration === undefined ? {} : { calibration }),
});

/** The scores of an exported model under ONNX Runtime, row after row. */
const underRuntime = async (
  document: Model.ModelDocument,
  rows: ReadonlyArray<ReadonlyArray<number>>,
): Promise<ReadonlyArray<number>> => {
  const bytes = await Effect.runPromise(Onnx.encode(document));
  const runtime = await import("onnxruntime-node");
  const options: InferenceSession.SessionOptions = { logSeverityLevel: 3, intraOpNumThreads: 1 };
  const session = await runtime.InferenceSession.create(bytes, options);
  const features = document.estimator.features.length;
  const input = new runtime.Tensor("float64", Float64Array.from(rows.flat()), [
    rows.length,
    features,
  ]);
  const { [session.outputNames[0] ?? ""]: output } = await session.run({ input });
  await session.release();
  assert.deepStrictEqual(output?.dims, [
    rows.length,
    Estimator.width(document.estimator as Estimator.Estimator),
  ]);
  return Array.from((output as Tensor).data as Float64Array);
};

/** The scores of the model here. */
const here = (
  { estimator, calibration }: Model.ModelDocument,
  rows: ReadonlyArray<ReadonlyArray<number>>,
): Float64Array => {
  const built = estimator as Estimator.Estimator;
  const width = Estimator.width(built);
  const out = new Float64Array(rows.length * width);
  const score = Estimator.scoreInto(built);
  for (const [i, row] of rows.entries()) score(row, out.subarray(i * width, (i + 1) * width));
  if (calibration !== undefined) Calibration.compile(calibration, width)(out);
  return out;
};

const same = async (document: Model.ModelDocument, rows: ReadonlyArray<ReadonlyArray<number>>) => {
  const [expected, found] = [here(document, rows), await underRuntime(document, rows)];
  for (const [at, value] of expected.entries()) {
    if (found[at] === value) continue;
    assert.closeTo(found[at] ?? NaN, value, 1e-9 * Math.abs(value) + 1e-12, `score ${at}`);
  }
};

const features = 3;
const codes = [-2, 0, 0.5, 7, 100, 300];
const number = fc.oneof(
  fc.double({ min: -5, max: 5, noNaN: true }),
  // Neighbours that float32 could not tell apart.
  fc.constantFrom(1, 1 + Number.EPSILON, 1 - Number.EPSILON, 0.1, -0),
);
const cell = fc.oneof({ arbitrary: number, weight: 4 }, fc.constantFrom(Number.NaN, ...codes, 55));
const rowsOf = fc.array(fc.array(cell, { minLength: features, maxLength: features }), {
  minLength: 1,
  maxLength: 20,
});
const numbers = (length: number, of: fc.Arbitrary<number> = number) =>
  fc.array(of, { minLength: length, maxLength: length });
const names = ["a", "b", "c"];

/** A tree of random shape over the features, of which the last is a category. */
const tree = fc
  .array(
    fc.record({
      feature: fc.nat(features - 1),
      threshold: number,
      missing: fc.constantFrom(0, 1),
      set: fc.subarray(codes),
      value: number,
    }),
    {
      minLength: 1,
      maxLength: 15,
    },
  )
  .map((nodes): Estimator.Tree => {
    // Nodes in the order of a heap: one is inner if both children are there.
    const inner = (i: number) => 2 * i + 2 < nodes.length;
    return {
      feature: nodes.map(({ feature }, i) => (inner(i) ? feature : -1)),
      threshold: nodes.map(({ threshold }) => threshold),
      left: nodes.map((_, i) => (inner(i) ? 2 * i + 1 : 0)),
      right: nodes.map((_, i) => (inner(i) ? 2 * i + 2 : 0)),
      missingLeft: nodes.map(({ missing }) => (missing === 1 ? 1 : 0)),
      value: nodes.map(({ value }) => value),
      cover: nodes.map(() => 1),
      leftCategories: nodes.map(({ feature, set }, i) =>
        inner(i) && feature === features - 1 ? set : null,
      ),
    };
  });

const ensemble = fc
  .record({
    objective: fc.constantFrom(...Estimator.TreeObjective.literals),
    rounds: fc.integer({ min: 0, max: 4 }),
    trees: fc.array(tree, { minLength: 12, maxLength: 12 }),
    base: numbers(3),
  })
  .map(({ objective, rounds, trees, base }): Estimator.TreeEnsemble => {
    const outputs = objective === "softmax" ? 3 : 1;
    return {
      _tag: "TreeEnsemble",
      version: 1,
      objective,
      features: names,
      categories: [null, null, codes],
      baseScores: base.slice(0, outputs),
      trees: trees.slice(0, rounds * outputs),
      importance: [0, 0, 0],
    };
  });

const linear = fc
  .record({
    link: fc.constantFrom("logit", "identity", "log", "softmax"),
    coefficients: fc.array(numbers(features), { minLength: 3, maxLength: 3 }),
    intercepts: numbers(3),
    mean: numbers(features),
    sd: numbers(features, fc.double({ min: 0.1, max: 10, noNaN: true })),
    imputation: numbers(features),
    exposed: fc.boolean(),
  })
  .map(({ link, coefficients, intercepts, exposed, ...rest }): Estimator.LinearModel => {
    const outputs = link === "softmax" ? 3 : 1;
    const exposure = link === "log" && exposed;
    return {
      _tag: "LinearModel",
      version: 1,
      link,
      features: names,
      intercepts: intercepts.slice(0, outputs),
      coefficients: coefficients
        .slice(0, outputs)
        .map((own) => (exposure ? [0, ...own.slice(1)] : own)),
      ...rest,
      ...(exposure ? { exposure: "a" } : {}),
    };
  });

const fittedOn = { table: Digest.ofBytes("rows"), rows: 100 };
const steps = fc
  .uniqueArray(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 })
  .map((from) => {
    const points = from.toSorted((a, b) => a - b);
    return { from: points, to: points.map((_, i) => i / points.length) };
  });
const calibrationOf = (width: number): fc.Arbitrary<Calibration.Calibration> => {
  const base = { version: 1, fittedOn } as const;
  const positive = fc.double({ min: 0.1, max: 4, noNaN: true });
  return fc.oneof(
    positive.map((temperature) => ({ _tag: "Temperature", ...base, temperature }) as const),
    fc
      .record({ slopes: numbers(width, positive), intercepts: numbers(width) })
      .map((one) => ({ _tag: "Platt", ...base, ...one }) as const),
    fc
      .array(steps, { minLength: width, maxLength: width })
      .map((one) => ({ _tag: "Isotonic", ...base, steps: one }) as const),
  );
};

describe("encode", () => {
  for (const [name, model] of [
    ["trees of every objective, with categories and missing values", ensemble],
    ["linear models of every link", linear],
  ] as const) {
    it(`${name}: ONNX Runtime gives the same scores`, () =>
      fc.assert(
        fc.asyncProperty(model, rowsOf, async (estimator, rows) => {
          assert.deepStrictEqual(Estimator.problems(estimator), []);
          await same(documentOf(estimator), rows);
        }),
        { numRuns: 100 },
      ));
  }

  it("calibrations: ONNX Runtime gives the same probabilities", () =>
    fc.assert(
      fc.asyncProperty(
        fc
          .oneof(
            ensemble.filter(({ objective }) => objective === "logistic" || objective === "softmax"),
            linear.filter(({ link }) => link === "logit" || link === "softmax"),
          )
          .chain((estimator) =>
            calibrationOf(Estimator.width(estimator)).map((calibration) => ({
              estimator,
              calibration,
            })),
          ),
        rowsOf,
        ({ estimator, calibration }, rows) => same(documentOf(estimator, calibration), rows),
      ),
      { numRuns: 60 },
    ));

  it("keeps sets of hundreds of categories, and thresholds that float32 cannot tell apart", () => {
    const many = Array.from({ length: 300 }, (_, i) => 3 * i);
    const tree: Estimator.Tree = {
      feature: [1, 0, -1, -1, -1],
      threshold: [0, 0.1, 0, 0, 0],
      left: [1, 3, 0, 0, 0],
      right: [2, 4, 0, 0, 0],
      missingLeft: [1, 0, 0, 0, 0],
      value: [0, 0, 3, 1, 2],
      cover: [1, 1, 1, 1, 1],
      leftCategories: [many.filter((_, i) => i % 2 === 0), null, null, null, null],
    };
    const estimator: Estimator.TreeEnsemble = {
      _tag: "TreeEnsemble",
      version: 1,
      objective: "squaredError",
      features: ["a", "b"],
      categories: [null, many],
      baseScores: [0],
      trees: [tree],
      importance: [0, 0],
    };
    const above = 0.1 + 2 ** -56;
    assert.strictEqual(Math.fround(above), Math.fround(0.1));
    const rows = [0.1, above].flatMap((a) => [0, 3, 891, 894, 897, 1].map((b) => [a, b]));
    return same(documentOf(estimator), rows);
  });

  it("says the same for every row of a constant", () =>
    same(documentOf({ _tag: "ConstantModel", version: 1, features: [], values: [0.2, 0.3, 0.5] }), [
      [],
      [],
      [],
    ]));

  it.effect("tells what it is, and is the same bytes each time", () =>
    Effect.gen(function* () {
      const document = documentOf({
        _tag: "ConstantModel",
        version: 1,
        features: ["a"],
        values: [0.2, 0.8],
      });
      const bytes = yield* Onnx.encode(document, { metadata: { release: "trips@3" } });
      const again = yield* Onnx.encode(document, { metadata: { release: "trips@3" } });
      assert.deepStrictEqual(bytes, again);
      const text = new TextDecoder().decode(bytes);
      for (const part of [
        "ml-pipe",
        '["a"]',
        '["c0","c1"]',
        "trips 1",
        "trips@3",
        "probabilities",
      ]) {
        assert.include(text, part);
      }
    }),
  );

  it.effect("comes back as the model that it was", () =>
    Effect.gen(function* () {
      const [estimator] = fc.sample(linear, { numRuns: 1, seed: 7 });
      if (estimator === undefined) return assert.fail("no sample");
      const document = documentOf(estimator);
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "ml-pipe-encode-"))),
        (made) => Effect.promise(() => rm(made, { recursive: true })),
      );
      const file = join(folder, "model.onnx");
      const bytes = yield* Onnx.encode(document);
      yield* Effect.promise(() => writeFile(file, bytes));
      const read = yield* Onnx.read(file, { features: estimator.features });
      const scoring = yield* Scoring.open({ estimator: read });
      const row = [0.5, Number.NaN, 2];
      const [found] = yield* scoring.rows([row]);
      assert.closeTo(found ?? NaN, here(document, [row])[0] ?? 0, 1e-9);
      const twice = yield* Effect.flip(Onnx.encode({ ...document, estimator: read }));
      assert.include(twice.message, "is in ONNX already");
    }).pipe(Effect.scoped, Effect.provide(Artifact.ArtifactStore.layerTemporary)),
  );
});
