import { assert, describe, it } from "@effect/vitest";
import { Digest } from "@ml-pipe/core";
import { Calibration, Model, Predictions, Scoring, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import { calibration } from "../test-fixtures/calibration.ts";
import { Buys, Kind, partsOf, recorded, services } from "../test-fixtures/visits.ts";
import { fitCalibration } from "./internal/calibration/fitCalibration.ts";
import { calibrationFindings, orderFinding } from "./internal/calibration/report.ts";
import { isotonicSteps } from "./internal/calibration/isotonic.ts";
import * as Train from "./Train.ts";

const provided = Effect.provide(services);
const fittedOn = { table: Digest.ofBytes("table"), rows: 300 };

const close = (found: Float64Array, expected: ReadonlyArray<number>, tolerance: number) => {
  assert.strictEqual(found.length, expected.length);
  for (const [i, value] of expected.entries()) assert.closeTo(found[i] ?? NaN, value, tolerance);
};

describe("fitCalibration", () => {
  const scoredOf = ({ probabilities, labels }: typeof calibration.two) => ({
    scores: Float64Array.from(probabilities),
    labels: Float64Array.from(labels),
    width: probabilities.length / labels.length,
  });

  for (const [name, set] of [
    ["two classes", calibration.two],
    ["three classes", calibration.three],
  ] as const) {
    for (const method of ["isotonic", "platt", "temperature"] as const) {
      it(`is scikit-learn's ${method} calibration of ${name}`, () => {
        const scored = scoredOf(set);
        const fitted = fitCalibration(method, scored, fittedOn);
        const grid = method === "isotonic" && scored.width === 1;
        const scores = grid ? Float64Array.from({ length: 101 }, (_, i) => i / 100) : scored.scores;
        Calibration.compile(fitted, scored.width)(scores);
        // Its sigmoid stops at a gradient of 1e-6, its search for a temperature at 1e-8 of the logarithm.
        close(
          scores,
          set[method],
          method === "isotonic" ? 1e-12 : method === "platt" ? 2e-5 : 1e-7,
        );
      });
    }
  }

  it("never falls, keeps the mean, and nothing that never falls is nearer", () => {
    const row = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1 }));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 60 }), (rows) => {
        const scores = Float64Array.from(rows, ([score]) => score / 20);
        const labels = Float64Array.from(rows, ([, label]) => label);
        const steps = isotonicSteps(scores, labels);
        const map = Calibration.compile(
          { _tag: "Isotonic", version: 1, fittedOn, steps: [steps] },
          1,
        );
        const fitted = scores.slice();
        map(fitted);
        for (const [i, a] of scores.entries()) {
          for (const [k, b] of scores.entries()) {
            if (a <= b) assert.isAtMost(fitted[i] ?? 1, (fitted[k] ?? 0) + 1e-12);
          }
          // The max-min formula (Barlow et al. 1972): the largest over starts of the least mean up to an end.
          const mean = (from: number, to: number) => {
            const inside = labels.filter((_, k) => scores[k]! >= from && scores[k]! <= to);
            return inside.reduce((sum, label) => sum + label, 0) / inside.length;
          };
          const expected = Math.max(
            ...[...scores]
              .filter((s) => s <= a)
              .map((from) =>
                Math.min(...[...scores].filter((s) => s >= a).map((to) => mean(from, to))),
              ),
          );
          assert.closeTo(fitted[i] ?? NaN, expected, 1e-12);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("does not turn the order of scores around that are wrong", () => {
    const scores = Float64Array.from({ length: 40 }, (_, i) => (i + 0.5) / 40);
    const labels = scores.map((p) => (p < 0.5 ? 1 : 0));
    const fitted = fitCalibration("platt", { scores, labels, width: 1 }, fittedOn);
    assert.deepStrictEqual(fitted._tag === "Platt" && fitted.slopes, [0]);
    const out = scores.slice();
    Calibration.compile(fitted, 1)(out);
    assert.isTrue(out.every((p) => Math.abs(p - 0.5) < 1e-12));
  });
});

describe("calibrate", () => {
  const trained = Effect.fnUntraced(function* () {
    const parts = yield* partsOf(Buys, 1500);
    // Trees that grow until each leaf is pure are far too sure of themselves.
    const model = yield* Train.boostedTrees(Buys, {
      maxTrees: 30,
      minSamplesLeaf: 1,
      learningRate: 0.5,
      earlyStopping: false,
    }).run(parts);
    return { ...parts, model };
  });

  it.effect("fits on the validation rows, and is part of every score from then on", () =>
    Effect.gen(function* () {
      const { model, validation, test } = yield* trained();
      const stage = Train.calibrate(Buys, { method: "platt" });
      const { value, exhibits, findings } = yield* recorded(stage.run({ model, validation }));
      assert.strictEqual(value.kind, "gradient-boosted trees, calibrated (Platt)");
      assert.deepStrictEqual(findings, []);
      const [figure, figures] = exhibits;
      assert.strictEqual(figure?.title, "Reliability");
      const rows = figures?._tag === "table" ? figures.rows : [];
      const [before, after] = rows.map(([, ...values]) => values.map(Number));
      for (const [at, value] of (after ?? []).entries()) assert.isBelow(value, before?.[at] ?? 0);

      const document = yield* Model.load(value);
      assert.deepStrictEqual(document.calibration?.fittedOn, {
        table: Table.digestOf(validation),
        rows: document.calibration?.fittedOn.rows,
      });
      const scoresOf = (one: Model.AnyModel) =>
        Effect.map(
          Predictions.read(Buys, {
            model: one,
            table: test,
            baseline: { name: "never", description: "", rule: { _tag: "literal", value: false } },
            rows: "all",
          }),
          ({ scores }) => scores,
        );
      const expected = yield* scoresOf(model);
      assert.isDefined(document.calibration);
      if (document.calibration === undefined) return;
      Calibration.compile(document.calibration, 1)(expected);
      assert.deepStrictEqual(yield* scoresOf(value), expected);
      const byRow = yield* Effect.scoped(
        Effect.flatMap(Scoring.open(document), ({ rows }) => rows([[30, 2]])),
      );
      const raw = yield* Effect.scoped(
        Effect.flatMap(Scoring.open({ estimator: document.estimator }), ({ rows }) =>
          rows([[30, 2]]),
        ),
      );
      Calibration.compile(document.calibration, 1)(raw);
      assert.deepStrictEqual(byRow, raw);
      // Again, with another method: what was there is replaced.
      const again = yield* Train.calibrate(Buys, { method: "temperature" }).run({
        model: value,
        validation,
      });
      assert.strictEqual(again.kind, "gradient-boosted trees, calibrated (temperature)");
      assert.strictEqual((yield* Model.load(again)).calibration?._tag, "Temperature");
    }).pipe(provided),
  );

  it.effect("calibrates each class and keeps their probabilities at 1 together", () =>
    Effect.gen(function* () {
      const parts = yield* partsOf(Kind);
      const model = yield* Train.linear(Kind).run(parts);
      const { value, findings } = yield* recorded(
        Train.calibrate(Kind, { method: "isotonic" }).run({ model, validation: parts.validation }),
      );
      const { calibration } = yield* Model.load(value);
      assert.strictEqual(calibration?._tag === "Isotonic" && calibration.steps.length, 3);
      const scores = yield* Effect.scoped(
        Effect.flatMap(Scoring.open(yield* Model.load(value)), ({ rows }) => rows([[50, 2]])),
      );
      assert.closeTo(
        scores.reduce((sum, p) => sum + p, 0),
        1,
        1e-12,
      );
      assert.deepStrictEqual(
        findings.map(({ check }) => check),
        ["calibrate.rows"],
      );
    }).pipe(provided),
  );

  it.effect("refuses rows of another split, and of one class", () =>
    Effect.gen(function* () {
      const parts = yield* partsOf(Buys, 1500);
      const { validation } = parts;
      const model = yield* Train.linear(Buys).run(parts);
      const stage = Train.calibrate(Buys);
      const other = { ...validation, split: "split-two" };
      const mismatch = yield* Effect.flip(stage.run({ model, validation: other }));
      assert.strictEqual(mismatch._tag, "SplitMismatch");
      const always = yield* Table.write(Buys.contract, "validation", {
        query: `SELECT * REPLACE (TRUE AS label) FROM ${yield* Table.relation(validation)}`,
        split: validation.split,
      });
      const error = yield* Effect.flip(stage.run({ model, validation: always }));
      assert.include(error.message, 'none of 300 validation rows with an outcome is "no"');
    }).pipe(provided),
  );

  it.effect("of a model in the wrong order is a finding, infinite features are refused", () =>
    Effect.gen(function* () {
      const { train, validation } = yield* partsOf(Buys);
      const model = yield* Train.linear(Buys).run({ train, validation });
      const changed = (columns: string) =>
        Effect.flatMap(Table.relation(validation), (relation) =>
          Table.write(Buys.contract, "validation", {
            query: `SELECT * REPLACE (${columns}) FROM ${relation}`,
            split: validation.split,
          }),
        );
      const stage = Train.calibrate(Buys);
      const reversed = yield* changed("NOT label AS label");
      const { findings } = yield* recorded(stage.run({ model, validation: reversed }));
      assert.include(
        findings.map(({ check }) => check),
        "calibrate.order",
      );
      const infinite = yield* changed("'-inf'::DOUBLE AS age");
      const error = yield* Effect.flip(stage.run({ model, validation: infinite }));
      assert.include(error.message, 'the value is -Infinity (validation feature "age", row 0)');
      const labels = Float64Array.of(0, 1, 2);
      const scores = (right: number) =>
        Float64Array.from({ length: 9 }, (_, at) =>
          Math.floor(at / 3) === at % 3 ? right : (1 - right) / 2,
        );
      assert.deepStrictEqual(orderFinding({ scores: scores(0.8), labels, width: 3 }, "shop"), []);
      assert.lengthOf(orderFinding({ scores: scores(0.1), labels, width: 3 }, "shop"), 1);
    }).pipe(provided),
  );

  it("that does not help is a finding", () => {
    const was = { logLoss: 0.5, brier: 0.2, calibrationError: 0.02 };
    const about = { method: "platt", rows: 300, was, owner: "shop" } as const;
    const found = (brier: number) => calibrationFindings({ ...about, is: { ...was, brier } });
    assert.deepStrictEqual(found(0.19), []);
    assert.deepStrictEqual(
      found(0.2).map(({ check }) => check),
      ["calibrate.helps"],
    );
  });

  it.effect("a calibration that is damaged is not loaded", () =>
    Effect.gen(function* () {
      const model = yield* Train.linear(Buys).run(yield* partsOf(Buys));
      const { estimator, signature } = yield* Model.load(model);
      const load = (broken: Calibration.Calibration) =>
        Model.store(Buys, { ...model, estimator, signature, calibration: broken }).pipe(
          Effect.flatMap(Model.load),
          Effect.flip,
          Effect.map(({ message }) => message),
        );
      const base = { version: 1, fittedOn } as const;
      assert.include(
        yield* load({ _tag: "Platt", ...base, slopes: [-1], intercepts: [0] }),
        "the slope -1 reverses the order",
      );
      assert.include(
        yield* load({ _tag: "Platt", ...base, slopes: [], intercepts: [0] }),
        "0 entries where 1 are expected",
      );
      assert.include(
        yield* load({ _tag: "Isotonic", ...base, steps: [{ from: [0, 1], to: [1, 0] }] }),
        "the points do not rise",
      );
      assert.include(
        yield* load({ _tag: "Temperature", ...base, temperature: 0 }),
        "0 is not above 0",
      );
    }).pipe(provided),
  );
});
