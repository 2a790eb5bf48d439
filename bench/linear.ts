/**
 * Linear models, calibration and search: fits beside scikit-learn's of the same problems, standardised as they are
 * here, where Python has it; calibrating a model beside scikit-learn's fits of as many maps; a search beside the
 * same fits without a search.
 *
 *     PYTHON=venv/bin/python npx node --conditions=@ml-pipe/source bench/linear.ts [rows]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Artifact,
  Charter,
  Column,
  Contract,
  Engine,
  LocalEngine,
  Pipeline,
  Stage,
  Store,
} from "@ml-pipe/core";
import { Duckdb, FeatureSet, Model, Table } from "@ml-pipe/data";
import { Linear, Space, Train } from "@ml-pipe/train";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";

const [rows = 100_000] = process.argv.slice(2).map(Number);
const rounds = 3;
const whole = (value: number) => value.toLocaleString("en-US");

/** xorshift32: the same values every time. */
const random = (() => {
  let state = 2463534242;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
})();

const secondsOf = async (run: () => Promise<unknown>): Promise<number> => {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    await run();
    least = Math.min(least, (performance.now() - begun) / 1000);
  }
  return least;
};

const python = `
import json, sys, time
import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.preprocessing import StandardScaler
kind, file, rows, options = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
values = np.fromfile(file).reshape(-1, rows)
x, y = np.ascontiguousarray(values[:-1].T), values[-1]
def fit():
    if kind == "isotonic":
        for _ in range(6):
            IsotonicRegression(out_of_bounds="clip").fit(x[:, 0], y)
        return
    standard = StandardScaler().fit_transform(x)
    strength = options["l1"] + options["l2"]
    if kind == "logistic":
        LogisticRegression(C=1 / strength, solver=options["solver"], tol=1e-8, max_iter=1000).fit(standard, y)
    else:
        ElasticNet(alpha=strength / rows, l1_ratio=options["l1"] / strength, tol=1e-8, max_iter=10000).fit(standard, y)
least = float("inf")
for _ in range(${rounds}):
    begun = time.perf_counter()
    fit()
    least = min(least, time.perf_counter() - begun)
print(least)
`;

const folder = mkdtempSync(join(tmpdir(), "bench-linear-"));

/** What scikit-learn takes for the same, in seconds. */
const theirs = (
  kind: "logistic" | "elasticNet" | "isotonic",
  columns: ReadonlyArray<Float64Array>,
  labels: Float64Array,
  options: { readonly l1?: number; readonly l2?: number; readonly solver?: string } = {},
): number | undefined => {
  const file = join(folder, "values.f64");
  writeFileSync(file, "");
  for (const column of [...columns, labels]) {
    writeFileSync(file, new Uint8Array(column.buffer), { flag: "a" });
  }
  const { stdout, status } = spawnSync(
    process.env["PYTHON"] ?? "python3",
    ["-c", python, kind, file, String(labels.length), JSON.stringify({ l1: 0, ...options })],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
  return status === 0 ? Number(stdout) : undefined;
};

const told = (what: string, ours: number, against: string, other: number | undefined): void => {
  const ratio =
    other === undefined
      ? `${against} is not there`
      : `${(ours / other).toFixed(2)}× ${against} (${other.toFixed(2)} s)`;
  console.log(`${what.padEnd(52)} ${ours.toFixed(2)} s   ${ratio}`);
};

/** Numbers that all tell something, and a label of each kind. */
const numbers = (count: number, features: number) => {
  const columns = Array.from({ length: features }, () =>
    Float64Array.from({ length: count }, random),
  );
  const score = Float64Array.from({ length: count }, (_, i) =>
    columns.reduce((sum, column, j) => sum + (column[i]! - 0.5) * Math.sin(j + 1), 0),
  );
  return {
    featureNames: columns.map((_, j) => `f${j}`),
    columns,
    yes: score.map((s) => (1 / (1 + Math.exp(-2 * s)) > random() ? 1 : 0)),
    amount: score.map((s) => s + random()),
  };
};

const fits = async (): Promise<void> => {
  const { yes, amount, ...few } = numbers(rows, 20);
  told(
    `logistic regression, ${whole(rows)} × 20`,
    await secondsOf(() => Effect.runPromise(Linear.fitLinear({ ...few, labels: yes }))),
    "scikit-learn, newton-cholesky",
    theirs("logistic", few.columns, yes, { l2: 1, solver: "newton-cholesky" }),
  );
  const options = { link: "identity", l1: rows / 50, l2: rows / 500 } as const;
  told(
    `elastic net, ${whole(rows)} × 20`,
    await secondsOf(() => Effect.runPromise(Linear.fitLinear({ ...few, labels: amount }, options))),
    "scikit-learn, coordinate descent",
    theirs("elasticNet", few.columns, amount, options),
  );
  // Three texts of a thousand values each, as columns of 0 and 1.
  const some = Math.round(rows / 5);
  const places = Array.from({ length: 3 }, () =>
    Array.from({ length: some }, () => Math.floor(1000 * random() * random())),
  );
  const columns = places.flatMap((place) => {
    const own = Array.from({ length: 1000 }, () => new Float64Array(some));
    for (const [i, at] of place.entries()) own[at]![i] = 1;
    return own;
  });
  const labels = Float64Array.from({ length: some }, (_, i) =>
    Number(places.reduce((sum, place) => sum + ((place[i]! % 7) - 3), 0) + 12 * random() > 6),
  );
  const wide = { featureNames: columns.map((_, j) => `f${j}`), columns, labels };
  told(
    `logistic regression, ${whole(some)} × 3,000 one-hot`,
    await secondsOf(() => Effect.runPromise(Linear.fitLinear(wide, { l2: 10 }))),
    "scikit-learn, newton-cg",
    theirs("logistic", columns, labels, { l2: 10, solver: "newton-cg" }),
  );
};

const Visit = Contract.make("visit", {
  version: "1",
  owner: "bench",
  columns: {
    f0: Column.float(),
    f1: Column.float(),
    bought: Column.boolean({ availableAt: "outcome" }),
  },
});
const Buys = FeatureSet.make("buys", {
  version: "1",
  of: Visit,
  features: ($) => ({ f0: $.f0, f1: $.f1 }),
  label: ($) => $.bought,
});

const services = LocalEngine.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      Store.Store.layerMemory,
      Artifact.ArtifactStore.layerTemporary,
      Duckdb.Duckdb.layer({ threads: 1 }),
      Layer.succeed(Engine.CodeOf, () =>
        Effect.succeed({ _tag: "Known", parts: { bench: "1" } } as const),
      ),
    ),
  ),
);

const partsOf = (count: number) => {
  const part = (salt: number) => ({
    query: `SELECT x AS f0, y AS f1, x + y * z > 0.9 AS label FROM (
      SELECT i, hash(i + ${salt}) % 1000003 / 1000003.0 AS x, hash(i + ${salt + 7}) % 1000003 / 1000003.0 AS y,
        hash(i + ${salt + 13}) % 1000003 / 1000003.0 AS z FROM range(${count}) t(i)) ORDER BY i`,
    split: "split-one",
  });
  return Effect.all({
    train: Table.write(Buys.contract, "train", part(0)),
    validation: Table.write(Buys.contract, "validation", part(1_000_000_007)),
  });
};

const calibration = Effect.gen(function* () {
  const { train, validation } = yield* partsOf(rows);
  const model = yield* Train.linear(Buys).run({ train, validation });
  const stage = Train.calibrate(Buys, { method: "isotonic" });
  const context = yield* Effect.context<Layer.Success<typeof services>>();
  const ours = yield* Effect.promise(() =>
    secondsOf(() => Effect.runPromiseWith(context)(stage.run({ model, validation }))),
  );
  const scores = Float64Array.from({ length: rows }, random);
  const labels = scores.map((p) => (p * p > random() ? 1 : 0));
  told(
    `the isotonic calibrate stage, ${whole(rows)} rows`,
    ours,
    "six of scikit-learn's fits, as many as its report needs",
    theirs("isotonic", [scores], labels),
  );
}).pipe(Effect.provide(services));

const charter = Charter.make({
  title: "bench",
  decision: { question: "?", madeAt: "now", actor: "nobody", outcomeKnownAfter: 0 },
  metric: {
    name: "cost",
    unit: "USD",
    costs: { truePositive: 0, falsePositive: 1, falseNegative: 1, trueNegative: 0 },
  },
  baseline: { name: "none", description: "", rule: null },
  smallestGain: 1,
  surface: "none",
  kill: { on: "2100-01-01", criterion: "never" },
  owner: "bench",
});

const trials = 20;

const search = Effect.gen(function* () {
  const parts = yield* partsOf(rows);
  const source = Stage.make("split", {
    input: {},
    outputs: {
      train: Table.of(Buys.contract, "train"),
      validation: Table.of(Buys.contract, "validation"),
    },
    run: () => Effect.succeed(parts),
  });
  const tuned = Pipeline.make("tuned", { charter }, () => {
    const { model } = Train.search(Buys, {
      space: { l2: Space.float({ from: 1e-3, to: 1e3, scale: "log" }) },
      train: ({ l2 }) => Train.linear(Buys, { l2 }),
      trials,
    })(source());
    return { model };
  });
  const engine = yield* Engine.Engine;
  const begun = performance.now();
  const { outputs } = yield* engine.run(tuned);
  const ours = (performance.now() - begun) / 1000;
  yield* Model.load(outputs.model);
  const again = performance.now();
  for (let trial = 0; trial < trials; trial++) {
    yield* Train.linear(Buys, { l2: 1 + trial }).run(parts);
  }
  told(
    `a search of ${trials} trials, ${whole(rows)} rows`,
    ours,
    `${trials} trainings by themselves`,
    (performance.now() - again) / 1000,
  );
}).pipe(Effect.provide(services));

await fits();
await Effect.runPromise(calibration);
await Effect.runPromise(search);
rmSync(folder, { recursive: true });
