/** Linear models in ONNX. */
import type { LinearModel } from "../../estimator/LinearModel.ts";
import { doubles, type Graph, type Value } from "./graph.ts";
import { linked } from "./links.ts";

/** (x − mean) · coefficients / sd + intercept, a missing x replaced before. */
export const linearGraph = (graph: Graph, input: Value, model: LinearModel): Value => {
  const { features, intercepts, coefficients, mean, sd, imputation, exposure } = model;
  const { node, constant } = graph;
  const given = node("Where", [
    node("IsNaN", [input]),
    constant(doubles(imputation, 1, features.length)),
    input,
  ]);
  const weights = features.flatMap((_, j) =>
    coefficients.map((own) => (own[j] ?? 0) / (sd[j] ?? 1)),
  );
  const sums = node("Add", [
    node("MatMul", [
      node("Sub", [given, constant(doubles(mean, 1, features.length))]),
      constant(doubles(weights, features.length, intercepts.length)),
    ]),
    constant(doubles(intercepts, 1, intercepts.length)),
  ]);
  const scores = linked(graph, model.link, sums);
  if (exposure === undefined) return scores;
  const index = constant({ type: "int64", shape: [1], values: [features.indexOf(exposure)] });
  const exposed = node("Max", [
    node("Gather", [given, index], { axis: 1 }),
    constant(doubles([0], 1, 1)),
  ]);
  return node("Mul", [scores, exposed]);
};
