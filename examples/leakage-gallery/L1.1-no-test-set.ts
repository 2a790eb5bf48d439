/** L1.1: the model is judged on the rows that it was trained on. */
import { Evaluate, Split, Train } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { type Example, refused, rocAuc } from "./gallery.ts";
import { charter, Churn, customers } from "./telco.ts";

const split = Split.random(Churn.contract, { validation: 0.2, test: 0.2 });
const learnByHeart = {
  maxTrees: 150,
  learningRate: 0.3,
  minSamplesLeaf: 2,
  earlyStopping: false,
} as const;
const train = Train.boostedTrees(Churn, learnByHeart);
const evaluate = Evaluate.decisions(Churn, { charter });

export const example = Effect.gen(function* () {
  const parts = yield* split.run({ data: yield* customers() });
  const model = yield* train.run(parts);
  // Wired honestly this does not compile: a train table is no test table. So somebody lies about it.
  const lie = { ...parts.train, role: "test" } as const;
  return {
    kind: "L1.1",
    leaky: yield* rocAuc(Churn, model, parts.train),
    caught: yield* refused(evaluate.run({ model, train: parts.train, data: lie })),
    honest: yield* rocAuc(Churn, model, parts.test),
  } satisfies Example;
});
