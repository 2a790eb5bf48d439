/** From raw scores to predictions, in ONNX. */
import type { Link } from "../../estimator/Scorer.ts";
import { doubles, type Graph, type Value } from "./graph.ts";

/** The link applied to a value of rows × outputs. */
export const linked = (graph: Graph, link: Link, raw: Value): Value => {
  switch (link) {
    case "identity":
      return raw;
    case "logit":
      return sigmoid(graph, raw);
    case "log":
      return graph.node("Exp", [raw]);
    case "softmax":
      return graph.node("Softmax", [raw], { axis: 1 });
  }
};

/** 1 / (1 + e^−x), written out: the operator of that name is less exact. */
export const sigmoid = (graph: Graph, x: Value): Value => {
  const one = graph.constant(doubles([1]));
  return graph.node("Div", [
    one,
    graph.node("Add", [one, graph.node("Exp", [graph.node("Neg", [x])])]),
  ]);
};
