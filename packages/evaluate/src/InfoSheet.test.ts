/** Info sheets answer what the record says, and list the rest. */
import { assert, describe, it } from "@effect/vitest";
import { Engine, LocalEngine, Pipeline, type Run, Stage, Store } from "@ml-pipe/core";
import { Model, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import {
  charterWith,
  modelOf,
  recording,
  rightModel,
  trainTripsOf,
  TripFeatures,
  tripsOf,
} from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";
import * as InfoSheet from "./InfoSheet.ts";
import { kinds } from "./LeakageKind.ts";

const charter = charterWith();

/** A run that judges a model, and the ledger after it. */
const judgedRun = Effect.gen(function* () {
  const values = {
    model: yield* modelOf(rightModel),
    train: yield* trainTripsOf(),
    test: yield* tripsOf({ days: 12, perDay: 100 }),
  };
  const given = Stage.make("given", {
    input: {},
    outputs: {
      model: Model.of(TripFeatures),
      train: Table.of(TripFeatures.contract, "train"),
      test: Table.of(TripFeatures.contract, "test"),
    },
    run: () => Effect.succeed(values),
  });
  const evaluate = Evaluate.decisions(TripFeatures, { charter });
  const pipeline = Pipeline.make("trips", { charter }, () => {
    const { model, train, test: data } = given();
    return { verdict: evaluate({ model, train, data }).verdict };
  });
  const { run } = yield* Engine.Engine.use((engine) => engine.run(pipeline));
  const { holdouts } = yield* Store.Store;
  return { run, looks: yield* holdouts.all };
});

const test = (name: string, check: (run: Run.Run, sheet: InfoSheet.InfoSheet) => void) =>
  it.effect(name, () =>
    recording(() =>
      judgedRun.pipe(
        Effect.map(({ run, looks }) => check(run, InfoSheet.of(run, looks))),
        Effect.provide(LocalEngine.layer.pipe(Layer.provideMerge(Store.Store.layerMemory))),
      ),
    ),
  );

const questionsOf = ({ sections }: InfoSheet.InfoSheet) => {
  const all = sections.flatMap(({ questions }) => questions);
  return (id: string) => all.find((one) => one.id === id) ?? assert.fail(`no question ${id}`);
};

describe("an info sheet", () => {
  test("answers from the record, and says from where", (_, sheet) => {
    const of = questionsOf(sheet);
    assert.isAtLeast(sheet.answered, 15);
    assert.include(of("claim.decision").answer?.text ?? "", '"warn passengers?" at departure');
    assert.match(of("claim.result").answer?.text ?? "", /^passed: a gain of [\d.]+ EUR per trip/);
    assert.strictEqual(of("claim.result").answer?.evidence, 'stage "evaluate", evaluation');
    assert.include(of("modelling.chosen").answer?.text ?? "", "no other model was judged");
    for (const { id } of kinds) assert.isNotNull(of(`leakage.${id}`).answer, id);
    assert.include(of("leakage.L1.1").answer?.text ?? "", "by construction");
    // Nothing in this run sets duplicates aside.
    assert.notInclude(of("leakage.L1.4").answer?.text ?? "", "by construction");
  });

  test("leaves to a person what the record does not say, and never invents it", (_, sheet) => {
    const of = questionsOf(sheet);
    for (const id of [
      "claim.population",
      "reproducibility.data",
      "reproducibility.environment",
      "reproducibility.again",
      "data.source",
      "data.missing",
      "generalisability.groups",
      "generalisability.later",
    ]) {
      assert.isNull(of(id).answer, id);
      assert.isNotNull(of(id).forPerson, id);
    }
    const { answered, asked, sections } = sheet;
    const open = sections
      .flatMap(({ questions }) => questions)
      .filter((one) => one.answer === null);
    assert.strictEqual(answered + open.length, asked);
    assert.isTrue(open.every(({ forPerson }) => forPerson !== null));
  });

  test("of a run without a judgement says that nothing was judged or looked for", (run) => {
    const bare = { ...run, stages: run.stages.filter(({ stage }) => stage !== "evaluate") };
    const of = questionsOf(InfoSheet.of(bare, []));
    for (const { id } of kinds) {
      assert.isNull(of(`leakage.${id}`).answer);
      assert.include(of(`leakage.${id}`).forPerson ?? "", "No audit ran.");
    }
    assert.isNull(of("claim.result").answer);
    assert.isNull(of("modelling.chosen").answer);
  });

  test("is data: it survives JSON", (_, sheet) => {
    const codec = Schema.fromJsonString(Schema.toCodecJson(InfoSheet.InfoSheet));
    assert.deepStrictEqual(Schema.decodeSync(codec)(Schema.encodeSync(codec)(sheet)), sheet);
  });
});
