/**
 * R: twenty models of three features each are judged on the same 150 test rows, and the best one is
 * reported. On rows that nobody has seen it is not as good.
 */
import { Evaluate, Split, Table, Train } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { type Example, refused, rocAuc } from "./gallery.ts";
import { charter, Churn, customers } from "./telco.ts";

const split = Split.random(Churn.contract, { validation: 0.2, test: 0.3 });

export const example = Effect.gen(function* () {
  const parts = yield* split.run({ data: yield* customers() });
  const test = yield* Table.relation(parts.test);
  const part = (where: string) =>
    Table.write(Churn.contract, "test", {
      query: `SELECT * FROM ${test} WHERE ${where} ORDER BY line`,
      split: parts.test.split,
    });
  const [few, fresh] = [yield* part("line % 14 = 0"), yield* part("line % 14 <> 0")];
  const train = yield* Table.relation(parts.train);
  // Twenty candidates: the same trees on twenty small samples of the train rows.
  const candidates = yield* Effect.forEach(
    Array.from({ length: 20 }, (_, index) => index),
    (index) =>
      Effect.gen(function* () {
        const sample = yield* Table.write(Churn.contract, "train", {
          query: `SELECT * FROM ${train} WHERE md5_number_lower('${index} ' || line) % 20 = 0 ORDER BY line`,
          split: parts.train.split,
        });
        const model = yield* Train.boostedTrees(Churn, {
          maxTrees: 20,
          minSamplesLeaf: 5,
          earlyStopping: false,
        }).run({ train: sample, validation: parts.validation });
        return { sample, model, auc: yield* rocAuc(Churn, model, few) };
      }),
  );
  const [best, second] = candidates.toSorted((a, b) => b.auc - a.auc);
  if (best === undefined || second === undefined) return yield* Effect.die("twenty candidates");
  const evaluate = Evaluate.decisions(Churn, { charter, minPerClass: 10 });
  yield* evaluate.run({ model: second.model, train: second.sample, data: few });
  return {
    kind: "R",
    leaky: best.auc,
    caught: yield* refused(evaluate.run({ model: best.model, train: best.sample, data: few })),
    honest: yield* rocAuc(Churn, best.model, fresh),
  } satisfies Example;
});
