/** Calibrations in ONNX. */
import { type Calibration, nearest } from "../../Calibration.ts";
import { doubles, elementNumber, type Graph, type Value } from "./graph.ts";
import { linked, sigmoid } from "./links.ts";

/** The calibration applied to probabilities of rows × width. */
export const calibrationGraph = (
  graph: Graph,
  calibration: Calibration,
  width: number,
  probabilities: Value,
): Value => {
  const { node, constant } = graph;
  switch (calibration._tag) {
    case "Temperature": {
      const temperature = constant(doubles([calibration.temperature], 1, 1));
      if (width === 1) {
        return sigmoid(graph, node("Div", [logit(graph, probabilities), temperature]));
      }
      const cut = node("Max", [probabilities, constant(doubles([nearest], 1, 1))]);
      return linked(graph, "softmax", node("Div", [node("Log", [cut]), temperature]));
    }
    case "Platt": {
      const slopes = constant(doubles(calibration.slopes, 1, width));
      const intercepts = constant(doubles(calibration.intercepts, 1, width));
      const sums = node("Add", [node("Mul", [logit(graph, probabilities), slopes]), intercepts]);
      return normalised(graph, width, sigmoid(graph, sums));
    }
    case "Isotonic": {
      const columns = width === 1 ? [probabilities] : graph.split(probabilities, width);
      const mapped = columns.map((column, k) => interpolated(graph, column, calibration.steps[k]));
      const [only] = mapped;
      return width === 1 && only !== undefined
        ? only
        : normalised(graph, width, node("Concat", mapped, { axis: 1 }));
    }
  }
};

const logit = (graph: Graph, probabilities: Value): Value => {
  const { node, constant } = graph;
  const cut = node("Min", [
    node("Max", [probabilities, constant(doubles([nearest], 1, 1))]),
    constant(doubles([1 - nearest], 1, 1)),
  ]);
  const one = constant(doubles([1], 1, 1));
  return node("Log", [node("Div", [cut, node("Sub", [one, cut])])]);
};

/** Straight between the points, level beyond: the last point at or below the value, and the next one. */
const interpolated = (
  graph: Graph,
  column: Value,
  steps: { readonly from: ReadonlyArray<number>; readonly to: ReadonlyArray<number> } | undefined,
): Value => {
  const { node, constant } = graph;
  const { from, to } = steps ?? { from: [0], to: [0] };
  const points = from.length;
  // Outside the points the value counts as the nearest of them.
  const x = node("Min", [
    node("Max", [column, constant(doubles([from[0] ?? 0], 1, 1))]),
    constant(doubles([from[points - 1] ?? 0], 1, 1)),
  ]);
  const reached = node("GreaterOrEqual", [x, constant(doubles(from, 1, points))]);
  const axes = constant({ type: "int64", shape: [1], values: [1] });
  const count = node("ReduceSum", [node("Cast", [reached], { to: elementNumber("int64") }), axes], {
    keepdims: 1,
  });
  const place = node("Sub", [count, constant({ type: "int64", shape: [1, 1], values: [1] })]);
  const slopes = from.map((x0, i) => {
    const slope =
      i + 1 < points ? ((to[i + 1] ?? 0) - (to[i] ?? 0)) / ((from[i + 1] ?? 0) - x0) : 0;
    // Between points so near to each other lies no value that matters.
    return Number.isFinite(slope) ? slope : 0;
  });
  const at = (values: ReadonlyArray<number>) =>
    node("Gather", [constant(doubles(values)), place], { axis: 0 });
  return node("Add", [at(to), node("Mul", [node("Sub", [x, at(from)]), at(slopes)])]);
};

/** Divided by their sum; all alike where that is 0. */
const normalised = (graph: Graph, width: number, probabilities: Value): Value => {
  if (width === 1) return probabilities;
  const { node, constant } = graph;
  const axes = constant({ type: "int64", shape: [1], values: [1] });
  const sum = node("ReduceSum", [probabilities, axes], { keepdims: 1 });
  const none = node("Equal", [sum, constant(doubles([0], 1, 1))]);
  const divisor = node("Where", [none, constant(doubles([1], 1, 1)), sum]);
  return node("Where", [
    none,
    constant(doubles([1 / width], 1, 1)),
    node("Div", [probabilities, divisor]),
  ]);
};
