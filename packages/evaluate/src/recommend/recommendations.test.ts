import { assert, describe, it } from "@effect/vitest";
import { type Finding, Stage } from "@ml-pipe/core";
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

const inputs = Effect.gen(function* () {
  return {
    lists: yield* listsOf("first", figures.first.lists),
    baseline: yield* listsOf("baseline", figures.second.lists),
    train: yield* plays("train", figures.train),
    data: yield* plays("test", figures.test),
    items: yield* films(figures.tags),
  };
});
const diversity = { items: Films, by: "tags", separator: "|" } as const;

describe("lists", () => {
  it.effect("have the quality, coverage, novelty and diversity that others compute", () =>
    Effect.gen(function* () {
      const stage = Evaluate.recommendations(Plays, { charter: charterOf(0.01), diversity });
      const { evaluation } = yield* stage.run(yield* inputs);
      const { first, second } = figures;
      for (const name of [
        "ndcg",
        "recall",
        "precision",
        "coverage",
        "novelty",
        "diversity",
        "concentration",
      ] as const) {
        const found = evaluation.properties.find((one) => one.name === name);
        assert.isDefined(found, name);
        assert.closeTo(found.judged.estimate, first[name], 1e-12, name);
        assert.closeTo(found.against.estimate, second[name], 1e-12, name);
        assert.closeTo(found.difference.estimate, first[name] - second[name], 1e-12, name);
        const { interval } = found.difference;
        assert.isAtMost(interval?.lower ?? NaN, found.difference.estimate, name);
        assert.isAtLeast(interval?.upper ?? NaN, found.difference.estimate, name);
      }
      assert.strictEqual(
        evaluation.metric.judged.estimate,
        evaluation.properties[0]?.judged.estimate,
      );
      assert.deepStrictEqual(
        [evaluation.users, evaluation.unlisted, evaluation.metShown],
        [12, 0, 0],
      );
    }).pipe(withServices),
  );

  // Forty users who met film 0 and like film 1; some are shown it first.
  const users = Array.from({ length: 40 }, (_, user) => user);
  const judged = Effect.fnUntraced(function* (
    shown: (user: number) => ReadonlyArray<number>,
    options: Partial<Evaluate.RecommendationsOptions<never>> = {},
    baseline: (user: number) => ReadonlyArray<number> = () => [2, 3, 4],
  ) {
    const findings: Array<Finding.Finding> = [];
    const rowsOf = (of: typeof shown) =>
      users.flatMap((user) => of(user).map((film, at) => [user, film, at + 1] as const));
    const stage = Evaluate.recommendations(Plays, {
      charter: charterOf(0.1),
      minUsers: 10,
      suspiciousQuality: 2,
      ...options,
    });
    const { verdict, evaluation } = yield* stage
      .run({
        lists: yield* listsOf("new", rowsOf(shown)),
        baseline: yield* listsOf("baseline", rowsOf(baseline)),
        train: yield* plays(
          "train",
          users.flatMap(
            (user) =>
              [
                [user, 0],
                [user, 100 + user],
              ] as const,
          ),
        ),
        data: yield* plays(
          "test",
          users.map((user) => [user, 1] as const),
        ),
      })
      .pipe(
        Effect.provideService(Stage.Reporter, (event) =>
          Effect.sync(() => {
            if (event._tag === "Finding") findings.push(event.finding);
          }),
        ),
      );
    const outcomes = Object.fromEntries(
      verdict.evidence.map(({ gate, outcome }) => [gate, outcome]),
    );
    return { verdict, evaluation, findings, outcomes };
  });

  it.effect("pass, fail or stay inconclusive by the interval of the gain", () =>
    Effect.gen(function* () {
      const good = yield* judged(() => [1, 2, 3]);
      assert.strictEqual(good.verdict.status, "passed");
      assert.strictEqual(good.evaluation.metric.difference.estimate, 1);
      const same = yield* judged(() => [4, 2, 3], {
        holdout: { looks: 9, justification: "tests" },
      });
      assert.strictEqual(same.outcomes["beats the baseline"], "failed");
      const some = yield* judged((user) => (user % 8 === 0 ? [1] : [5]), {
        holdout: { looks: 9, justification: "tests" },
      });
      assert.strictEqual(some.outcomes["beats the baseline"], "inconclusive");
      assert.strictEqual(some.verdict.status, "inconclusive");
      assert.include(
        some.findings.map(({ check }) => check),
        "evaluate.looks",
      );
    }).pipe(withServices),
  );

  it.effect("are suspected where they are too good, or show what was met", () =>
    Effect.gen(function* () {
      const perfect = yield* judged(() => [1], { suspiciousQuality: 0.9 });
      assert.strictEqual(perfect.outcomes["no leakage suspected"], "failed");
      const seen = yield* judged(() => [0, 1], { holdout: { looks: 3, justification: "tests" } });
      assert.strictEqual(seen.outcomes["no leakage suspected"], "failed");
      assert.strictEqual(seen.evaluation.metShown, 40);
    }).pipe(withServices),
  );

  it.effect("that are missing count as nothing shown, and say so", () =>
    Effect.gen(function* () {
      const half = yield* judged((user) => (user % 2 === 0 ? [1] : []));
      assert.strictEqual(half.evaluation.metric.judged.estimate, 0.5);
      assert.strictEqual(half.evaluation.unlisted, 20);
      assert.deepStrictEqual(
        half.findings.map(({ check, severity }) => [check, severity]),
        [["evaluate.unlisted-users", "warn"]],
      );
      const few = yield* judged(() => [1], {
        minUsers: 41,
        holdout: { looks: 2, justification: "tests" },
      });
      assert.strictEqual(few.outcomes["enough data"], "inconclusive");
    }).pipe(withServices),
  );

  it.effect("are only judged once on the same rows, unless there is a reason", () =>
    Effect.gen(function* () {
      yield* judged(() => [1, 2, 3]);
      yield* judged(() => [1, 2, 3]);
      const spent = yield* Effect.flip(judged(() => [2, 1]));
      assert.strictEqual(spent._tag, "HoldoutSpent");
      assert.throws(
        () =>
          Evaluate.recommendations(Plays, {
            charter: charterOf(0.1),
            holdout: { looks: 2, justification: "" },
          }),
        /need a justification/,
      );
    }).pipe(withServices),
  );
});

describe("lists that cannot be judged honestly", () => {
  const stage = Evaluate.recommendations(Plays, { charter: charterOf(0.01), diversity });
  const refused = (
    change: Effect.Effect<
      Partial<Effect.Success<typeof inputs>>,
      unknown,
      Effect.Services<typeof inputs>
    >,
  ) =>
    Effect.gen(function* () {
      return yield* Effect.flip(stage.run({ ...(yield* inputs), ...(yield* change) }));
    });

  it.effect("are those of another split, or of none", () =>
    Effect.gen(function* () {
      const other = yield* refused(
        Effect.map(listsOf("first", figures.first.lists, "other"), (lists) => ({ lists })),
      );
      assert.match(String(other), /"lists" and the test table are not of one split/);
      const trained = yield* refused(
        Effect.map(plays("train", figures.train, "other"), (train) => ({ train })),
      );
      assert.match(String(trained), /"train" and the test table are not of one split/);
    }).pipe(withServices),
  );

  it.effect("hold something twice, or have no rank", () =>
    Effect.gen(function* () {
      const lists = Effect.map(
        listsOf("first", [
          [1, 1, 1],
          [1, 1, 2],
          [2, 3, 1],
          [2, 4, 1],
          [3, 1, 0],
        ]),
        (lists) => ({ lists }),
      );
      assert.match(
        String(yield* refused(lists)),
        /1 item twice in a user's list, 1 place given away twice, 1 row without a user, an item or a rank/,
      );
    }).pipe(withServices),
  );

  it.effect("are held against another baseline than the charter's", () =>
    Effect.gen(function* () {
      const baseline = Effect.map(listsOf("mine", figures.second.lists), (baseline) => ({
        baseline,
      }));
      assert.match(
        String(yield* refused(baseline)),
        /baseline "today" is the lists of "baseline", and the lists wired to baseline are of "mine"/,
      );
    }).pipe(withServices),
  );

  it.effect("have nobody to judge them", () =>
    Effect.gen(function* () {
      const data = Effect.map(plays("test", figures.train), (data) => ({ data }));
      assert.match(
        String(yield* refused(data)),
        /nobody liked anything that they had not met before/,
      );
    }).pipe(withServices),
  );
});
