import { assert, describe, it } from "@effect/vitest";
import { type Exhibit, type Finding, Stage } from "@ml-pipe/core";
import { System } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  charterOf,
  figures,
  films,
  Films,
  listsOf,
  plays,
  Plays,
  withServices,
} from "../../test-fixtures/recommend.ts";
import * as Evaluate from "../Evaluate.ts";

// Forty users like films 1 and 2. The old source finds film 1, and so does its copy; the new one finds 2.
const users = Array.from({ length: 40 }, (_, user) => user);
const everybody = (...list: ReadonlyArray<number>) =>
  users.flatMap((user) => list.map((film, at) => [user, film, at + 1] as const));

const Home = System.make("home", Plays, {
  sources: { old: 1, copy: 1, fresh: 1, noise: 0.5 },
  length: 2,
});

const judged = Effect.fnUntraced(function* (candidate: "old" | "copy" | "fresh" | "noise") {
  const findings: Array<Finding.Finding> = [];
  const exhibits: Array<Exhibit.Exhibit> = [];
  const stage = Evaluate.system(Home, {
    charter: charterOf(0.1, 2),
    candidate,
    minUsers: 10,
    holdout: { looks: 4, justification: "every source of the page" },
  });
  const { verdict, evaluation } = yield* stage
    .run({
      old: yield* listsOf("old", everybody(1, 7)),
      copy: yield* listsOf("copy", everybody(1, 8)),
      fresh: yield* listsOf("fresh", everybody(2, 9)),
      noise: yield* listsOf("noise", everybody(5, 6)),
      baseline: yield* listsOf("baseline", everybody(3, 4)),
      train: yield* plays(
        "train",
        users.map((user) => [user, 0] as const),
      ),
      data: yield* plays(
        "test",
        users.flatMap(
          (user) =>
            [
              [user, 1],
              [user, 2],
            ] as const,
        ),
      ),
    })
    .pipe(
      Effect.provideService(Stage.Reporter, (event) =>
        Effect.sync(() => {
          if (event._tag === "Finding") findings.push(event.finding);
          if (event._tag === "Exhibit") exhibits.push(event.exhibit);
        }),
      ),
    );
  const own = evaluation.sources.find(({ source }) => source === candidate)!;
  const outcome = verdict.evidence.find(({ gate }) => gate === "gain survives the merge")?.outcome;
  return { verdict, evaluation, own, outcome, findings, exhibits };
});

describe("a candidate inside a system", () => {
  it.effect("passes where the system is better with it", () =>
    Effect.gen(function* () {
      const { own, outcome, evaluation, exhibits } = yield* judged("fresh");
      assert.strictEqual(outcome, "passed");
      // With it both places are liked; without it the second shows film 7.
      const second = 1 / Math.log2(3);
      assert.closeTo(own.inside.judged.estimate, 1, 1e-12);
      assert.closeTo(own.inside.against.estimate, 1 / (1 + second), 1e-12);
      assert.strictEqual(own.changed, 0.5);
      assert.closeTo(own.credit, 0.5, 1e-12);
      assert.closeTo(own.creditOfLiked, 0.5, 1e-12);
      assert.closeTo(own.alone.difference.estimate, 1 / (1 + second), 1e-12);
      assert.closeTo(evaluation.survives ?? NaN, second, 1e-12);
      assert.deepStrictEqual(own.overlap, { jaccard: 1, rankBiased: 1 });
      assert.deepStrictEqual(
        exhibits.map(({ title }) => title),
        [
          "What each source gains inside the system",
          "What each source gains alone",
          "Quality of all lists",
          "Sources of the system",
          "With and without fresh",
        ],
      );
    }).pipe(withServices),
  );

  it.effect("fails where the others find what it finds, which is a finding", () =>
    Effect.gen(function* () {
      const { own, outcome, verdict, evaluation, findings } = yield* judged("copy");
      assert.strictEqual(outcome, "failed");
      assert.strictEqual(verdict.status, "rejected");
      assert.isAbove(own.alone.difference.interval?.lower ?? NaN, 0.1);
      assert.strictEqual(own.inside.difference.estimate, 0);
      assert.strictEqual(evaluation.survives, 0);
      const old = evaluation.sources.find(({ source }) => source === "old");
      assert.closeTo(old?.overlap.jaccard ?? NaN, 1 / 3, 1e-12);
      assert.deepStrictEqual(
        findings.filter(({ severity }) => severity === "warn").map(({ check }) => check),
        ["evaluate.looks", "evaluate.gain-vanishes.copy"],
      );
      // Its twin is as superfluous, but not what is asked about.
      assert.deepStrictEqual(
        findings.filter(({ severity }) => severity === "info").map(({ check }) => check),
        ["evaluate.gain-vanishes.old"],
      );
    }).pipe(withServices),
  );

  it.effect("fails without a word of a gain where there was none alone", () =>
    Effect.gen(function* () {
      const { own, outcome, evaluation, findings } = yield* judged("noise");
      assert.strictEqual(outcome, "failed");
      assert.strictEqual(evaluation.survives, null);
      assert.strictEqual(own.credit, 0);
      assert.notInclude(
        findings.map(({ check }) => check),
        "evaluate.gain-vanishes.noise",
      );
    }).pipe(withServices),
  );

  it.effect("overlaps with others as rank-biased overlap says", () =>
    Effect.gen(function* () {
      const Two = System.make("two", Plays, {
        sources: { first: 1, second: 1 },
        length: figures.at,
        items: Films,
        diversify: { by: "tags", separator: "|", relevance: 0.7 },
      });
      const stage = Evaluate.system(Two, { charter: charterOf(0.1), candidate: "first" });
      const { evaluation } = yield* stage.run({
        first: yield* listsOf("first", figures.first.lists),
        second: yield* listsOf("second", figures.second.lists),
        baseline: yield* listsOf("baseline", figures.second.lists),
        train: yield* plays("train", figures.train),
        data: yield* plays("test", figures.test),
        items: yield* films(figures.tags),
      });
      const [, second] = evaluation.sources;
      assert.closeTo(second?.overlap.rankBiased ?? NaN, figures.rankBiased, 1e-12);
      assert.include(
        evaluation.properties.map(({ name }) => name),
        "diversity",
      );
    }).pipe(withServices),
  );

  it("is one of two or more sources", () => {
    const One = System.make("one", Plays, { sources: { a: 1 }, length: 3 });
    assert.throws(
      () => Evaluate.system(One, { charter: charterOf(0.1), candidate: "a" }),
      /must be one of two or more sources/,
    );
    // @ts-expect-error no source of the system
    assert.throws(() => Evaluate.system(Home, { charter: charterOf(0.1), candidate: "b" }), /"b"/);
  });
});
