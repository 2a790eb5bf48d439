/** Model cards and the owner's page: answered from the record, the rest left to a person. */
import { assert, describe, it } from "@effect/vitest";
import { Digest, Engine, LocalEngine, Pipeline, Stage, Store, Verdict } from "@ml-pipe/core";
import { type Estimator, Model, Recommender, Release, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import {
  charterWith,
  constantModel,
  modelOf,
  recording,
  rightModel,
  trainTripsOf,
  TripFeatures,
  tripsOf,
} from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";
import * as ModelCard from "./ModelCard.ts";
import * as OnePage from "./OnePage.ts";
import { ListEvaluation } from "./recommend/ListEvaluation.ts";

const featureNames = TripFeatures.spec.features.map(({ name }) => name);

/** The record of a run that judges a model, or of one that judges none. */
const recorded = (estimator: Estimator.Estimator | null) =>
  Effect.gen(function* () {
    const charter = charterWith({ budgets: { modelBytes: 100_000 } });
    const values = {
      model: yield* modelOf(estimator ?? rightModel),
      train: yield* trainTripsOf(),
      test: yield* tripsOf({ days: 12, perDay: 200 }),
    };
    const given = Stage.make("given", {
      input: {},
      outputs: {
        model: Model.of(TripFeatures),
        train: Table.of(TripFeatures.contract, "train"),
        test: Table.of(TripFeatures.contract, "test"),
      },
      // As Features.stage records it.
      params: { featureSet: TripFeatures.spec.name, features: featureNames },
      run: () => Effect.succeed(values),
    });
    const deploy = Stage.make("deploy", {
      input: { model: Model.of(TripFeatures), verdict: Verdict.Verdict },
      output: Release.AnyRelease,
      run: ({ model, verdict }) =>
        Effect.succeed({
          name: "trips",
          version: 1,
          model,
          verdict,
          charter: charter.digest,
          request: TripFeatures.source.spec,
          decision: charter.spec.decision.question,
          threshold: 0.25,
          histories: model.document,
          knownUntil: new Date(0),
          releasedAt: new Date(0),
        }),
    });
    const evaluate = Evaluate.decisions(TripFeatures, {
      charter,
      slices: ["origin"],
      minSliceRows: 1,
    });
    const judging = Pipeline.make("trips", { charter }, () => {
      const { model, train, test: data } = given();
      const { verdict } = evaluate({ model, train, data });
      return { release: deploy({ model, verdict }) };
    });
    const training = Pipeline.make("trips", { charter }, () => ({ model: given().model }));
    const engine = yield* Engine.Engine;
    const { run } = estimator === null ? yield* engine.run(training) : yield* engine.run(judging);
    const { holdouts } = yield* Store.Store;
    return { run, looks: yield* holdouts.all };
  }).pipe(Effect.provide(LocalEngine.layer.pipe(Layer.provideMerge(Store.Store.layerMemory))));

describe("a model card", () => {
  it.effect("has what the Hub and the toolkit ask, and survives JSON", () =>
    recording(() =>
      Effect.gen(function* () {
        const { run, looks } = yield* recorded(rightModel);
        const card = ModelCard.of(run, looks);
        const { huggingFace, modelCardToolkit, sections, forPerson } = card;
        assert.strictEqual(huggingFace.pipeline_tag, "tabular-classification");
        const [result] = huggingFace["model-index"]?.[0]?.results ?? [];
        assert.strictEqual(result?.dataset.name, "trip-features");
        assert.deepStrictEqual(
          result?.metrics.map(({ type }) => type),
          [
            "cost",
            "gain",
            "roc_auc",
            "average_precision",
            "log_loss",
            "brier_score",
            "calibration_error",
          ],
        );
        const metrics = modelCardToolkit.quantitative_analysis.performance_metrics;
        assert.include(metrics[0]?.type, "expected cost (EUR per trip)");
        assert.isDefined(metrics[0]?.confidence_interval);
        assert.deepStrictEqual(
          metrics.flatMap(({ slice }) => slice ?? []),
          ["origin A", "origin B", "origin C"],
        );
        assert.deepStrictEqual(
          sections.map(({ title }) => title),
          [
            "Model details",
            "Uses",
            "Bias, risks, and limitations",
            "How to get started with the model",
            "Training details",
            "Evaluation",
            "Model examination",
            "Verdict",
          ],
        );
        // What is carried along for slices and splits is no feature.
        const features = featureNames.join(", ");
        assert.strictEqual(modelCardToolkit.model_parameters.input_format, `features: ${features}`);
        const lines = sections.flatMap((section) => section.lines);
        assert.include(lines, `Features: ${features}.`);
        assert.include(lines, "Answer over HTTP: ml-pipe serve trips@1");
        const table = sections.find(({ title }) => title === "Evaluation")?.table;
        assert.deepStrictEqual(table?.columns, ["metric", "rows", "value", "95 % interval"]);
        assert.include(table?.rows[0]?.[0], "expected cost (EUR per trip)");
        assert.includeMembers(
          forPerson.map(({ field }) => field),
          ["license", "considerations.ethical_considerations"],
        );
        const json = Schema.encodeSync(ModelCard.ModelCard)(card);
        const back = Schema.decodeUnknownSync(ModelCard.ModelCard)(
          JSON.parse(JSON.stringify(json)),
        );
        assert.deepStrictEqual(back, card);
      }),
    ),
  );

  it.effect("says of recommenders how they were trained, and how good their lists are", () =>
    recording(() =>
      Effect.gen(function* () {
        const table = Digest.ofBytes("table");
        const estimate = { estimate: 0.25, interval: null };
        const property = { judged: estimate, against: estimate, difference: estimate };
        const metric = { name: "ndcg", ...property } as const;
        const recommender: Recommender.AnyRecommender = {
          interactions: { name: "rating", digest: table },
          kind: "implicit matrix factorisation",
          form: {
            _tag: "random",
            seed: 1,
            items: { digest: table, bytes: 1, mediaType: "application/json" },
          },
          trainedOn: { split: null, table, rows: 1_200 },
        };
        const lists: ListEvaluation = {
          users: 660,
          excluded: { likedNothing: 0, metBefore: 0 },
          unlisted: 0,
          at: 10,
          unit: "NDCG@10",
          level: 0.95,
          holdout: { number: 1, correctedFor: 1, nominalLevel: 0.95, justification: "" },
          smallestGain: 0.01,
          metShown: 0,
          metric,
          properties: [metric],
        };
        const judge = Stage.make("judge", {
          input: {},
          outputs: { recommender: Recommender.AnyRecommender, evaluation: ListEvaluation },
          run: () => Effect.succeed({ recommender, evaluation: lists }),
        });
        const charter = charterWith();
        const engine = yield* Engine.Engine;
        const { run } = yield* engine.run(
          Pipeline.make("films", { charter }, () => ({ evaluation: judge().evaluation })),
        );
        const { sections, modelCardToolkit, forPerson } = ModelCard.of(run, []);
        const lines = sections.flatMap((section) => section.lines);
        assert.include(lines, "Kind: implicit matrix factorisation, trained on 1,200 rows.");
        assert.deepStrictEqual(sections.find(({ title }) => title === "Evaluation")?.table?.rows, [
          ["ndcg", "0.25", "0.25", "0.25"],
        ]);
        assert.strictEqual(
          modelCardToolkit.quantitative_analysis.performance_metrics[0]?.type,
          "ndcg of the first 10 places",
        );
        const left = forPerson.map(({ field }) => field);
        assert.notInclude(left, "quantitative_analysis");
        assert.notInclude(left, "model_parameters.model_architecture");
      }).pipe(Effect.provide(LocalEngine.layer.pipe(Layer.provideMerge(Store.Store.layerMemory)))),
    ),
  );

  it.effect("makes nothing up where nothing was judged", () =>
    recording(() =>
      Effect.gen(function* () {
        const { run, looks } = yield* recorded(null);
        const { huggingFace, modelCardToolkit, forPerson } = ModelCard.of(run, looks);
        assert.isUndefined(huggingFace["model-index"]);
        assert.deepStrictEqual(modelCardToolkit.quantitative_analysis.performance_metrics, []);
        assert.include(
          forPerson.map(({ field }) => field),
          "quantitative_analysis",
        );
      }),
    ),
  );
});

describe("the owner's page", () => {
  it.effect("says yes, what it saves and what it rests on, in plain words", () =>
    recording(() =>
      Effect.gen(function* () {
        const { run, looks } = yield* recorded(rightModel);
        const page = OnePage.of(run, looks);
        assert.strictEqual(page.question, "warn passengers? Decided at departure, by dispatcher.");
        assert.strictEqual(page.answer.status, "passed");
        assert.match(page.answer.sentence, /^Yes: /);
        assert.match(
          page.money.join("\n"),
          /EUR in a thousand decisions\. With 95 % confidence, between/,
        );
        assert.include(page.restsOn.join("\n"), "2,400 real cases on 12 days");
        assert.include(page.restsOn.join("\n"), "The model: hand-made model.");
        assert.include(page.restsOn.join("\n"), "No other model was judged on these cases.");
        assert.include(page.restsOn.join("\n"), "Is the stored model within what was allowed?");
        assert.include(page.risks.at(-1), "The past is no promise");
        assert.include(page.who[0], "passenger-care");
      }),
    ),
  );

  it.effect("says no and why, and says where there is no answer", () =>
    recording(() =>
      Effect.gen(function* () {
        const { run, looks } = yield* recorded(constantModel(0.24));
        const { answer, risks } = OnePage.of(run, looks);
        assert.strictEqual(answer.status, "rejected");
        assert.match(answer.why, /^Is it better than what is done today.*Expected .*; found /);
        // What was said already is not said again, but for what to do about it.
        assert.notMatch(risks.join("\n"), /Not met: Is it better/);
        assert.match(risks.join("\n"), /To do about it: Keep the baseline/);
        const none = yield* recorded(null);
        assert.strictEqual(OnePage.of(none.run, none.looks).answer.status, "none");
      }),
    ),
  );
});
