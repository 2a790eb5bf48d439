/** Releases whose label is a number or a class, from the stage to the answers of a service. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { Artifact, Charter, Digest, type Metric, Verdict } from "@ml-pipe/core";
import {
  Duckdb,
  type Estimator,
  Expr,
  FeatureSet,
  Model,
  Release,
  Rule,
  Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import { charter as decisionCharter, Trip } from "../test-fixtures/trips.ts";
import * as Deploy from "./Deploy.ts";
import { openRelease } from "./embed.ts";
import * as Predictor from "./Predictor.ts";
import { tellerOf } from "./Prediction.ts";
import { Registry } from "./Registry.ts";

const about = { version: "1.0.0", of: Trip, decidedAt: "at" } as const;
const Minutes = FeatureSet.make("minutes", {
  ...about,
  features: ($) => ({ km: $.km }),
  label: ($) => $.delay,
});
const Ways = FeatureSet.make("ways", {
  ...about,
  features: ($) => ({ km: $.km }),
  label: ($) => Expr.when($.delay.gt(30), "late", Expr.when($.delay.gt(5), "slow", "fine")),
});

const charterOf = <M extends Metric.Metric>(metric: M, baseline: Charter.Baseline) => {
  const { decision, kill, ...rest } = decisionCharter.spec;
  return Charter.make({
    ...rest,
    decision: { ...decision, outcomeKnownAfter: "1 day" },
    kill: { ...kill, on: "2999-01-01" },
    metric,
    baseline,
  });
};
const minutes = charterOf(
  { name: "error", unit: "min", error: "absolute" },
  Rule.numberBaseline(Minutes.contract, { name: "none", description: "", value: () => 0 }),
);
const classCosts = {
  fine: { fine: 0, slow: 1, late: 2, ask: 0.4 },
  slow: { fine: 2, slow: 0, late: 1, ask: 0.4 },
  late: { fine: 9, slow: 4, late: 0, ask: 0.4 },
};
const ways = charterOf(
  { name: "trouble", unit: "EUR", classCosts },
  Rule.classBaseline(Ways.contract, { name: "ask", description: "", class: () => "ask" }),
);

const linear = {
  _tag: "LinearModel",
  version: 1,
  features: ["km"],
  mean: [0],
  sd: [1],
  imputation: [0],
} as const;
const minutesModel: Estimator.LinearModel = {
  ...linear,
  link: "identity",
  intercepts: [5],
  coefficients: [[0.1]],
};
/** Log-odds 0, (km − 100) / 10 and 0. */
const waysModel: Estimator.LinearModel = {
  ...linear,
  link: "softmax",
  intercepts: [0, -10, 0],
  coefficients: [[0], [0.1], [0]],
};

const trained = {
  kind: "hand-made model",
  trainedOn: { split: null, table: Digest.ofBytes("trips"), rows: 100 },
};
const classes: Model.Signature = { _tag: "classes", classes: ["fine", "late", "slow"] };

const passed = (model: Model.AnyModel, charter: Charter.Charter) =>
  Verdict.requirePassed(
    Verdict.judge(
      [{ name: "gain", check: () => ({ outcome: "passed", expected: "", found: "", next: "" }) }],
      undefined,
      {
        model: model.document.digest,
        charter: charter.digest,
        testSet: Digest.ofBytes("test"),
      },
    ),
  );

const history = Table.write(Trip, "checked", {
  query: `SELECT TIMESTAMP '2001-05-31 10:00:00' AS "at", 100 AS km, 'AAA' AS "from", NULL::BOOLEAN AS rain, 30 AS delay`,
});
const knownUntil = "2001-06-01";
const request = (km: number) => ({ at: "2001-06-01T10:00:00Z", km });

const inFolder = <A, E>(
  run: (folder: string) => Effect.Effect<A, E, Registry | Artifact.ArtifactStore | Duckdb.Duckdb>,
) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-kinds-"))),
      (one) => Effect.sync(() => fs.rmSync(one, { recursive: true, force: true })),
    );
    return yield* run(folder).pipe(
      Effect.provide(
        Layer.mergeAll(
          Registry.layer(folder),
          Artifact.ArtifactStore.layer(folder),
          Duckdb.Duckdb.layer({ threads: 1 }),
        ),
      ),
    );
  });

describe("a release of a number", () => {
  it.live("answers with it, in a service too", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const model = yield* Model.store(Minutes, { ...trained, estimator: minutesModel });
        const verdict = yield* passed(model, minutes);
        const released = yield* Deploy.release(Minutes, { charter: minutes, knownUntil }).run({
          model,
          verdict,
          history: yield* history,
        });
        assert.notProperty(released, "threshold");
        assert.strictEqual(Release.policy(released), "gives a number");
        const predictor = yield* Effect.scoped(Predictor.load(released));
        assert.deepInclude(yield* predictor.predict(request(120)), { value: 17, missing: [] });
        const opened = yield* Effect.promise(() =>
          openRelease(folder, "minutes", { predicts: "number" }),
        );
        const answer = opened.predict(request(120));
        assert.strictEqual(answer.ok && answer.prediction.value, 17);
        assert.notProperty(opened.release, "threshold");
        const other = yield* Effect.promise(() =>
          openRelease(folder, "minutes").then(
            () => "opened",
            (error: unknown) => (error instanceof Error ? error.message : "no Error"),
          ),
        );
        assert.strictEqual(
          other,
          'minutes@1 answers with a number, and a decision is asked for: open it with { predicts: "number" }.',
        );
      }),
    ),
  );
});

describe("a release of a class", () => {
  it.live("answers with probabilities, and the cheapest choice by the charter", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const model = yield* Model.store(Ways, {
          ...trained,
          estimator: waysModel,
          signature: classes,
        });
        const verdict = yield* passed(model, ways);
        const released = yield* Deploy.release(Ways, { charter: ways, knownUntil }).run({
          model,
          verdict,
          history: yield* history,
        });
        assert.strictEqual(Release.policy(released), "chooses among fine, slow, late, ask");
        const opened = yield* Effect.promise(() =>
          openRelease(folder, "ways@1", { predicts: "class" }),
        );
        const answer = (km: number) => {
          const result = opened.predict(request(km));
          if (!result.ok) return assert.fail("refused");
          return result.prediction;
        };
        // At 100 km the three are equally likely; from 200 km on it is late.
        const middle = answer(100);
        assert.deepStrictEqual(Object.keys(middle.probabilities), ["fine", "late", "slow"]);
        for (const one of Object.values(middle.probabilities)) assert.closeTo(one, 1 / 3, 1e-9);
        assert.strictEqual(middle.choice, "ask");
        const far = answer(200);
        assert.deepInclude(far, { class: "late", choice: "late", release: "ways@1" });
        const sum = Object.values(far.probabilities).reduce((total, one) => total + one, 0);
        assert.closeTo(sum, 1, 1e-12);
        // Each class has its own explanation: the softmax of their scores is what was answered.
        const explained = opened.explain(request(200));
        if (!explained.ok) return assert.fail("refused");
        const { scale, classes: by } = explained.explanation;
        assert.strictEqual(scale, "classScores");
        assert.deepStrictEqual(Object.keys(by), ["fine", "late", "slow"]);
        const scores = Object.values(by).map(({ base, contributions }) =>
          Math.exp(contributions.reduce((total, one) => total + one.contribution, base)),
        );
        const all = scores.reduce((total, one) => total + one, 0);
        for (const [at, score] of scores.entries()) {
          assert.closeTo(score / all, Object.values(far.probabilities)[at] ?? NaN, 1e-12);
        }
        const moved = by["late"]?.contributions[0];
        assert.deepStrictEqual(moved, { feature: "km", contribution: 20 });
      }),
    ),
  );
});

describe("what is not released", () => {
  it("is a model under a charter that does not measure its label, or whose costs need no model", () => {
    const unsure: Charter.Charter = minutes;
    assert.throws(
      () => Deploy.release(Ways, { charter: unsure, knownUntil }),
      /the metric "error" does not measure the label of "ways" \(text\)/,
    );
    const free = charterOf(
      { name: "trouble", unit: "EUR", classCosts: { a: { a: 0, b: 1 }, b: { a: 0, b: 1 } } },
      ways.spec.baseline,
    );
    assert.throws(
      () => Deploy.release(Ways, { charter: free, knownUntil }),
      /choosing "a" costs no more than any other choice/,
    );
  });

  it("is one that says something else than its model", () => {
    const problem = (
      more: Partial<Pick<Release.ModelRelease, "threshold" | "classCosts">>,
      signature: Model.Signature,
    ) => {
      // Only the policy is looked at.
      const release = { decision: "?", ...more } as Release.ModelRelease;
      const teller = tellerOf(release, signature);
      return Result.isFailure(teller) ? teller.failure : "";
    };
    assert.strictEqual(problem({ threshold: 0.5 }, { _tag: "probability" }), "");
    assert.match(problem({}, { _tag: "probability" }), /says not from which to act/);
    assert.match(problem({}, classes), /says not what choosing costs/);
    assert.match(problem({}, { _tag: "score" }), /only puts rows in order/);
    assert.match(
      problem({ classCosts: { fine: { fine: 0, late: 1 }, late: { fine: 1, late: 0 } } }, classes),
      /does not say what choosing costs for "slow"/,
    );
  });
});
