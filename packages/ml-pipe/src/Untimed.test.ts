/** The whole path of rows without an event time: split at random, prepared, judged, released, served. */
import { assert, describe, it } from "vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import {
  Charter,
  Classification,
  Column,
  Contract,
  Decisions,
  Deploy,
  Duckdb,
  Evaluate,
  Features,
  FeatureSet,
  OutOfFold,
  Predictor,
  Rule,
  Split,
  Table,
  Train,
  Transform,
  Verdict,
} from "./index.ts";
import * as Testing from "./testing.ts";

const Customer = Contract.make("customer", {
  version: "1",
  owner: "crm",
  key: ["id"],
  columns: {
    id: Column.string(),
    months: Column.float({ nullable: true }),
    plan: Column.string({ nullable: true }),
    left: Column.boolean({ availableAt: "outcome" }),
  },
});

const CustomerFeatures = FeatureSet.make("customer-features", {
  version: "1",
  of: Customer,
  keep: ["id", "plan"],
  features: ($) => ({ months: $.months, young: $.months.lt(6) }),
  label: ($) => $.left,
});

const prepare = Transform.make(CustomerFeatures, ($) => ({
  months: Transform.scale(Transform.impute($.months, { with: "median", indicator: true })),
  plan: Transform.oneHot($.plan),
  planRisk: Transform.targetMean($.plan),
}));

const charter = Charter.make({
  ...Testing.charter.spec,
  title: "Keep customers",
  decision: {
    question: "call the customer?",
    madeAt: "the first of a month",
    actor: "sales",
    outcomeKnownAfter: "30 days",
  },
  metric: {
    name: "expected cost",
    unit: "EUR per customer",
    costs: { truePositive: 10, falsePositive: 10, falseNegative: 40, trueNegative: 0 },
  },
  kill: { on: "2100-01-01", criterion: "never" },
  baseline: Rule.baseline(CustomerFeatures.contract, {
    name: "new customers",
    description: "call who came within half a year",
    when: ($) => $.months.lt(6),
  }),
  smallestGain: 0.1,
});

/** Customers who leave the sooner the newer they are, and more often from the plan "month". */
const customers = `SELECT 'c' || i AS id, CASE WHEN u2 < 0.06 THEN NULL ELSE 60 * u1 END AS months,
    CASE WHEN u3 < 0.1 THEN NULL WHEN u3 < 0.4 THEN 'month' ELSE 'year' END AS plan,
    u4 < 0.7 * exp(-3 * u1) + CASE WHEN u3 BETWEEN 0.1 AND 0.4 THEN 0.25 ELSE 0 END AS left
  FROM (SELECT i, hash(i) / 18446744073709551616.0 AS u1, hash(i + 1e6) / 18446744073709551616.0 AS u2,
      hash(i + 2e6) / 18446744073709551616.0 AS u3, hash(i + 3e6) / 18446744073709551616.0 AS u4
    FROM range(4000) t(i)) ORDER BY i`;

describe("rows without an event time", () => {
  it("go all the way to a release that answers as it was judged", async () => {
    await Effect.runPromise(
      Effect.gen(function* () {
        const checked = yield* Table.write(Customer, "checked", { query: customers });
        const features = yield* Features.stage(CustomerFeatures).run({ data: checked });
        const { contract } = CustomerFeatures;
        const parts = yield* Split.random(contract, {
          validation: 0.2,
          test: 0.3,
          stratify: "label",
          duplicates: "apart",
        }).run({ data: features });
        const train = Train.linear(CustomerFeatures, { prepare });
        const model = yield* train.run(parts);
        assert.deepStrictEqual(yield* train.run(parts), model);
        const { verdict, evaluation } = yield* Evaluate.decisions(CustomerFeatures, {
          charter,
        }).run({ model, data: parts.test, train: parts.train });
        assert.deepStrictEqual(evaluation.blocks, { by: "row", count: 1200 });
        assert.deepStrictEqual(
          verdict.evidence.filter(({ outcome }) => outcome !== "passed"),
          [],
        );
        const release = yield* Deploy.release(CustomerFeatures, {
          charter,
          knownUntil: "2026-01-01",
        }).run({ model, verdict: yield* Verdict.requirePassed(verdict), history: checked });
        // The plan is asked for although no feature reads it: the model's transformation does.
        assert.deepStrictEqual(Object.keys(release.request.columns), ["months", "plan"]);
        const predictor = yield* Predictor.load(release);

        const decided = yield* Decisions.read(CustomerFeatures, {
          model,
          table: parts.test,
          baseline: charter.spec.baseline,
          rows: "all",
        });
        const db = yield* Duckdb.Duckdb;
        const rows = yield* db.rows(
          "read",
          `SELECT months, plan FROM ${yield* Table.relation(parts.test)}`,
        );
        for (const [row, { months, plan }] of rows.entries()) {
          const answer = yield* predictor.predict({
            months: months === null ? null : Number(months),
            plan,
          });
          assert.isTrue("act" in answer);
          if (!("act" in answer)) continue;
          assert.approximately(answer.probability, decided.probability[row] ?? NaN, 1e-12);
        }
        const refused = yield* Effect.flip(predictor.predict({ months: 1 }));
        assert.strictEqual(refused._tag, "RequestInvalid");
        const unseen = yield* predictor.predict({ months: null, plan: "decade" });
        assert.deepStrictEqual(unseen.missing, ["months", "young"]);
      }).pipe(Effect.scoped, Effect.provide(Testing.layer)),
    );
  });

  it("go the same way with what is done today, before anything is trained", async () => {
    await Effect.runPromise(
      Effect.gen(function* () {
        const checked = yield* Table.write(Customer, "checked", { query: customers });
        const features = yield* Features.stage(CustomerFeatures).run({ data: checked });
        const { contract } = CustomerFeatures;
        const parts = yield* Split.random(contract, {
          validation: 0.2,
          test: 0.3,
          duplicates: "apart",
        }).run({ data: features });
        const { baseline } = charter.spec;
        const model = yield* Train.rule(CustomerFeatures, baseline).run(parts);
        const judge = Evaluate.decisions(CustomerFeatures, { charter });
        const { verdict, evaluation } = yield* judge.run({
          model,
          data: parts.test,
          train: parts.train,
        });
        assert.deepStrictEqual(
          verdict.evidence.map(({ gate, outcome }) => [gate, outcome]),
          [
            ["is the baseline", "passed"],
            ["charter in force", "passed"],
          ],
        );
        assert.strictEqual(evaluation.gain.estimate, 0);
        const release = yield* Deploy.release(CustomerFeatures, {
          charter,
          knownUntil: "2026-01-01",
        }).run({ model, verdict: yield* Verdict.requirePassed(verdict), history: checked });
        const predictor = yield* Predictor.load(release);
        const { decide } = yield* Rule.compile(baseline);
        for (const months of [1, 4, 20, 50, null]) {
          const answer = yield* predictor.predict({ months });
          assert.deepInclude(answer, { act: decide({ months }) });
        }
        // Another rule is a model like any other: it has to beat the baseline.
        const always = Rule.baseline(contract, {
          name: "always",
          description: "call everybody",
          when: ($) => $.months.gte(0).orElse(true),
        });
        const other = yield* Train.rule(CustomerFeatures, always).run(parts);
        const judged = yield* Evaluate.decisions(CustomerFeatures, {
          charter,
          holdout: { looks: 2, justification: "the second rule" },
        }).run({ model: other, data: parts.test, train: parts.train });
        assert.strictEqual(judged.verdict.evidence[0]?.gate, "beats the baseline");
      }).pipe(Effect.scoped, Effect.provide(Testing.layer)),
    );
  });

  it("are prepared and trained on fold by fold", async () => {
    await Effect.runPromise(
      Effect.gen(function* () {
        const checked = yield* Table.write(Customer, "checked", { query: customers });
        const features = yield* Features.stage(CustomerFeatures).run({ data: checked });
        const folds = yield* Split.kFold(CustomerFeatures.contract, {
          folds: 3,
          stratify: "label",
          duplicates: "apart",
        }).run({ data: features });
        const train = Train.linear(CustomerFeatures, { prepare });
        const models = yield* Effect.forEach(folds, (fold) => train.run(fold));
        // Each is fitted on its own rows: no two have the same constants.
        assert.strictEqual(new Set(models.map(({ document }) => document.digest)).size, 3);
        assert.deepStrictEqual(
          models.map(({ trainedOn }) => trainedOn.split),
          folds.map(({ train }) => train.split),
        );
        const mixed = { train: folds[0]!.train, validation: folds[1]!.validation };
        assert.match((yield* Effect.flip(train.run(mixed))).message, /come from different splits/);
      }).pipe(Effect.provide(Testing.layer)),
    );
  });

  it("are predicted out of fold by models that were prepared without them", async () => {
    await Effect.runPromise(
      Effect.gen(function* () {
        const checked = yield* Table.write(Customer, "checked", { query: customers });
        const features = yield* Features.stage(CustomerFeatures).run({ data: checked });
        const { train: data } = yield* Split.random(CustomerFeatures.contract, {
          validation: 0.4,
          test: 0.4,
          duplicates: "apart",
        }).run({ data: features });
        // An encoding of the name that saw the row would know its label; without it, the name says nothing.
        const prepareName = Transform.make(CustomerFeatures, ($) => ({
          name: Transform.targetMean($.id, { smoothing: 0 }),
        }));
        const stage = Train.outOfFold(CustomerFeatures, {
          prepare: prepareName,
          estimator: { kind: "linear" },
        });
        const found = yield* stage.run({ data });
        assert.deepStrictEqual(yield* stage.run({ data }), found);
        const { label, scores } = yield* OutOfFold.read(found);
        const auc = Result.getOrThrow(Classification.rocAuc(scores, label));
        assert.isTrue(auc > 0.4 && auc < 0.6, `${auc}`);
        const better = yield* Train.outOfFold(CustomerFeatures, {
          prepare,
          estimator: { kind: "linear" },
        }).run({ data });
        const honest = yield* OutOfFold.read(better);
        assert.isAbove(Result.getOrThrow(Classification.rocAuc(honest.scores, honest.label)), 0.65);
      }).pipe(Effect.provide(Testing.layer)),
    );
  });
});
