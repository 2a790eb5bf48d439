/**
 * The process that is killed while it searches for parameters: eight trials, each noted in a file when it begins
 * and when it is trained. With `HANG_AT`, later trials never end, and the process kills itself.
 *
 *   node searchProgram.ts STATE NOTES
 */
import * as fs from "node:fs";
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
import { Duckdb, FeatureSet, Split, Table } from "@ml-pipe/data";
import { Space, Train } from "@ml-pipe/train";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";

const [, , state = "", notes = ""] = process.argv;
const hangAt = Number(process.env["HANG_AT"] ?? Infinity);

const charter = Charter.make({
  title: "search",
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
  owner: "tests",
});

const Loan = Contract.make("loan", {
  version: "1",
  owner: "credit",
  columns: {
    amount: Column.float(),
    income: Column.float(),
    repaid: Column.boolean({ availableAt: "outcome" }),
  },
});
const Repays = FeatureSet.make("repays", {
  version: "1",
  of: Loan,
  features: ($) => ({ amount: $.amount, income: $.income }),
  label: ($) => $.repaid,
});

const source = Stage.make("loans", {
  input: {},
  output: Table.of(Repays.contract, "checked"),
  run: () =>
    Table.write(Repays.contract, "checked", {
      query: `SELECT x AS amount, y AS income, x + y * z > 0.9 AS label FROM (
        SELECT i, hash(i) % 1000 / 1000.0 AS x, hash(i + 7) % 1000 / 1000.0 AS y,
          hash(i + 13) % 1000 / 1000.0 AS z FROM range(600) t(i)) ORDER BY i`,
    }),
});

let begun = 0;
const note = (what: string) => Effect.sync(() => fs.appendFileSync(notes, `${what}\n`));

/** What a trial does first: those from the fifth on, say, wait for the kill, which comes after all others. */
const begin = Effect.fnUntraced(function* (l2: number) {
  yield* note(`begin ${l2}`);
  if (++begun < hangAt) return;
  yield* Effect.sleep("400 millis");
  process.kill(process.pid, "SIGKILL");
  yield* Effect.never;
});

const pipeline = Pipeline.make("tuning", { charter }, () => {
  const split = Split.random(Repays.contract, { validation: 0.3, test: 0.2 });
  const { train, validation } = split({ data: source() });
  const search = Train.search(Repays, {
    space: { l2: Space.float({ from: 1e-3, to: 1e4, scale: "log" }) },
    train: ({ l2 }) => {
      const stage = Train.linear(Repays, { l2 });
      return {
        info: stage.info,
        run: (parts) =>
          begin(l2).pipe(
            Effect.andThen(stage.run(parts)),
            Effect.tap(() => note(`trained ${l2}`)),
          ),
      };
    },
    trials: 8,
  });
  const { model, result } = search({ train, validation });
  return { model, result };
});

const program = Effect.gen(function* () {
  const [newest] = yield* (yield* Store.Store).runs(1, pipeline.name);
  const options = newest?.status === "interrupted" ? { resume: newest.id } : {};
  const { outputs } = yield* (yield* Engine.Engine).run(pipeline, options);
  return outputs;
}).pipe(
  Effect.provideService(Engine.CodeOf, () =>
    Effect.succeed({ _tag: "Known", parts: { program: "1" } } as const),
  ),
  Effect.provide(
    LocalEngine.layer.pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          Store.Store.layer(state),
          Artifact.ArtifactStore.layer(state),
          Duckdb.Duckdb.layer({ threads: 1 }),
        ),
      ),
    ),
  ),
);

process.stdout.write(JSON.stringify(await Effect.runPromise(program)));
