/**
 * Budgets: what a model takes where it is served, held against the charter. Measured in this run on this
 * machine, so a verdict says in round steps (1, 2, 5, 10 …) what it took, the same from one run to the
 * next; the figures themselves are in the exhibit.
 */
import { type Artifact, type Charter, type Exhibit, type Verdict } from "@ml-pipe/core";
import { Estimator, Model, type Onnx, Transform, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { AnySet, Rows } from "./internal/rows.ts";

const { number, whole } = Words;

/** What was measured, rounded up to 1, 2 or 5 times a power of ten; null where there is no budget. */
export const BudgetsResult = Schema.Struct({
  latencyMillis: Schema.NullOr(Schema.Finite),
  modelBytes: Schema.NullOr(Schema.Finite),
  memoryBytes: Schema.NullOr(Schema.Finite),
}).annotate({ title: "BudgetsResult" });
/** See {@link BudgetsResult}. */
export type BudgetsResult = typeof BudgetsResult.Type;

/** The figures as measured. */
export type Measured = { readonly [K in keyof BudgetsResult]: number | null };

/** Predictions that are timed, of which the slowest hundredth is left out; the middle of five rounds. */
const timed = { rows: 2000, rounds: 5 } as const;

/** Measures what there is a budget for. */
export const measure = Effect.fnUntraced(function* (
  set: AnySet,
  model: Model.AnyModel,
  rows: Rows,
  budgets: Charter.Budgets,
): Effect.fn.Return<Measured, Model.LoadError | Onnx.OnnxFailed, Artifact.ArtifactStore> {
  const document = yield* Model.load(model);
  const { estimator } = document;
  const onnx = estimator._tag === "OnnxModel";
  return {
    latencyMillis:
      budgets.latencyMillis === undefined ? null : yield* latencyOf(set, document, rows),
    modelBytes:
      budgets.modelBytes === undefined
        ? null
        : model.document.bytes + (onnx ? estimator.file.bytes : 0),
    // What ONNX Runtime holds is in a thread of its own, and not this process's to count.
    memoryBytes: budgets.memoryBytes === undefined || onnx ? null : memoryOf(estimator),
  };
});

/** One prediction after another, from features to prediction, as a service makes them; 99th percentile. */
const latencyOf = Effect.fnUntraced(function* (
  { spec }: AnySet,
  { estimator, transform }: Model.ModelDocument,
  { rows, names, features: columns, scoring }: Rows,
) {
  const count = Math.min(timed.rows, rows);
  const places = estimator.features.map((name) => names.indexOf(name));
  const prepare =
    transform === undefined
      ? (features: Float64Array) => places.map((place) => features[place] ?? Number.NaN)
      : prepareOf(Transform.compile(transform, spec));
  const inputs = Array.from({ length: count }, (_, row) =>
    Float64Array.from(columns, (column) => column[row] ?? Number.NaN),
  );
  const rounds: Array<number> = [];
  // The first round compiles.
  for (let round = 0; round <= timed.rounds; round++) {
    const times = new Float64Array(count);
    for (const [row, features] of inputs.entries()) {
      const begin = performance.now();
      yield* scoring.rows([prepare(features)]);
      times[row] = performance.now() - begin;
    }
    if (round > 0) rounds.push(times.toSorted()[Math.floor(0.99 * (count - 1))] ?? 0);
  }
  return rounds.toSorted((a, b) => a - b)[Math.floor(timed.rounds / 2)] ?? 0;
});

/** Kept columns of a request are missing here: how long a lookup takes does not depend on what it finds. */
const prepareOf =
  (compiled: ReturnType<typeof Transform.compile>) =>
  (features: Float64Array): Float64Array =>
    compiled(features, {});

/** What a loaded model holds, after garbage was collected: the middle of three. */
const memoryOf = (model: Estimator.Estimator): number => {
  const text = JSON.stringify(model);
  const collect = collector();
  const used = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const held = [0, 1, 2].map(() => {
    const before = used();
    const estimator = Schema.decodeUnknownSync(Estimator.Estimator)(JSON.parse(text));
    const score = Estimator.scoreInto(estimator);
    const after = used();
    // Whoever scores keeps both.
    return score.length + estimator.features.length < 0 ? 0 : after - before;
  });
  return Math.max(text.length, held.toSorted((a, b) => a - b)[1] ?? 0);
};

const collector = (): (() => void) => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  return () => {
    if (typeof collect === "function") collect();
  };
};

/** In steps of 1, 2, 5, 10 … upwards, so that small differences from run to run do not show. */
export const rounded = (measured: Measured): BudgetsResult => ({
  latencyMillis: stepUp(measured.latencyMillis),
  modelBytes: measured.modelBytes,
  memoryBytes: stepUp(measured.memoryBytes),
});

const stepUp = (value: number | null): number | null => {
  if (value === null || !(value > 0)) return value;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((one) => value <= one * power * (1 + 1e-12)) ?? 10;
  return Number((step * power).toPrecision(1));
};

const budgetNames = {
  latencyMillis: {
    what: "a prediction (p99)",
    unit: "ms",
    less: "fewer or shallower trees, or fewer features",
  },
  modelBytes: { what: "the stored model", unit: "bytes", less: "fewer or shallower trees" },
  memoryBytes: { what: "the loaded model", unit: "bytes", less: "fewer or shallower trees" },
} as const;

const keys = ["latencyMillis", "modelBytes", "memoryBytes"] as const;

/** A gate for each budget. What was measured decides, its rounded figure is shown. */
export const gates = (
  measured: Measured,
  budgets: Charter.Budgets,
): ReadonlyArray<Verdict.Gate<unknown>> =>
  keys.flatMap((key) => {
    const budget = budgets[key];
    if (budget === undefined) return [];
    const gate: Verdict.Gate<unknown> = {
      name: `within budget: ${budgetNames[key].what}`,
      check: () => answer(key, budget, measured),
    };
    return [gate];
  });

const answer = (
  key: (typeof keys)[number],
  budget: number,
  measured: Measured,
): ReturnType<Verdict.Gate<unknown>["check"]> => {
  const { what, unit, less } = budgetNames[key];
  const [found, shown] = [measured[key], rounded(measured)[key]];
  const expected = `at most ${size(budget)} ${unit} for ${what}`;
  if (found === null || shown === null) {
    return {
      outcome: "inconclusive",
      expected,
      found: "not measured: the model is held outside this process",
      next: "Measure it where it is served, and let the owner decide.",
    };
  }
  const here = "measured in this run on this machine";
  return found <= budget
    ? {
        outcome: "passed",
        expected,
        found: `at most ${size(Math.min(shown, budget))} ${unit}, ${here}`,
        next: "Nothing to do.",
      }
    : {
        outcome: "failed",
        expected,
        found: `more, about ${size(shown)} ${unit}, ${here}`,
        next: `Make the model lighter: ${less}; or the owner sets a larger budget in the charter.`,
      };
};

const size = (value: number): string => (value >= 1000 ? whole(value) : number(value));

/** The table with the figures as measured. */
export const exhibitOf = (measured: Measured, budgets: Charter.Budgets): Exhibit.Exhibit => ({
  _tag: "table",
  title: "Budgets",
  caption: `measured in this run on this machine (${process.platform}, ${process.arch}, Node ${process.versions.node}), one prediction after another from features to prediction, without a network`,
  columns: ["what", "measured", "budget", "unit"],
  rows: keys.flatMap((key) => {
    const [budget, found] = [budgets[key], measured[key]];
    const { what, unit } = budgetNames[key];
    return budget === undefined ? [] : [[what, found, budget, unit]];
  }),
});
