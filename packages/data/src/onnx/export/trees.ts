/**
 * Tree ensembles in ONNX: one `TreeEnsemble` (ai.onnx.ml 5) with thresholds and values in doubles, so that no
 * row goes another way than here. Its nodes are the inner ones of all trees; leaves are listed apart.
 */
import { linkOf, type TreeEnsemble } from "../../estimator/TreeEnsemble.ts";
import { doubles, elementNumber, type Graph, type Value } from "./graph.ts";
import { linked } from "./links.ts";

/** `x <= threshold`, and `x` is one of a set, as `nodes_modes` numbers them. */
const modes = { atMost: 0, member: 6 } as const;

/** Base scores plus the values of the leaves, and the link. */
export const treesGraph = (graph: Graph, input: Value, model: TreeEnsemble): Value => {
  const { node, constant } = graph;
  const outputs = model.baseScores.length;
  const lists = listsOf(model);
  const sum =
    lists.roots.length === 0
      ? undefined
      : node(
          "TreeEnsemble",
          [placed(graph, input, model)],
          {
            aggregate_function: 1,
            post_transform: 0,
            n_targets: outputs,
            tree_roots: lists.roots,
            nodes_featureids: lists.feature,
            nodes_splits: doubles(lists.split),
            nodes_modes: { type: "uint8", shape: [lists.mode.length], values: lists.mode },
            nodes_truenodeids: lists.yes,
            nodes_trueleafs: lists.yesIsLeaf,
            nodes_falsenodeids: lists.no,
            nodes_falseleafs: lists.noIsLeaf,
            nodes_missing_value_tracks_true: lists.missingYes,
            ...(lists.members.length === 0 ? {} : { membership_values: doubles(lists.members) }),
            leaf_targetids: lists.target,
            leaf_weights: doubles(lists.weight),
          },
          "ai.onnx.ml",
        );
  const base = constant(doubles(lists.base, 1, outputs));
  const raw = sum === undefined ? graph.everyRow(input, base) : node("Add", [sum, base]);
  return linked(graph, linkOf(model.objective), raw);
};

const listsOf = ({ trees, baseScores, categories }: TreeEnsemble) => {
  const lists = {
    /** Base scores, with the values of trees that are a single leaf. */
    base: [...baseScores],
    roots: Array<number>(),
    feature: Array<number>(),
    split: Array<number>(),
    mode: Array<number>(),
    yes: Array<number>(),
    yesIsLeaf: Array<number>(),
    no: Array<number>(),
    noIsLeaf: Array<number>(),
    missingYes: Array<number>(),
    /** Of each node on a category the places of those that go left, and NaN. */
    members: Array<number>(),
    target: Array<number>(),
    weight: Array<number>(),
  };
  for (const [t, tree] of trees.entries()) {
    const output = t % baseScores.length;
    if (tree.feature[0] === -1) {
      lists.base[output] = (lists.base[output] ?? 0) + (tree.value[0] ?? 0);
      continue;
    }
    /** Where each node of the tree is: among inner nodes, or among leaves. */
    const place = new Int32Array(tree.feature.length);
    let inner = lists.feature.length;
    lists.roots.push(inner);
    for (const [i, feature] of tree.feature.entries()) {
      if (feature !== -1) {
        place[i] = inner++;
        continue;
      }
      place[i] = lists.weight.length;
      lists.target.push(output);
      lists.weight.push(tree.value[i] ?? 0);
    }
    for (const [i, feature] of tree.feature.entries()) {
      if (feature === -1) continue;
      const [left, right] = [tree.left[i] ?? 0, tree.right[i] ?? 0];
      const codes = tree.leftCategories?.[i] ?? null;
      const members = (codes ?? []).map((code) => (categories?.[feature]?.indexOf(code) ?? -1) + 1);
      lists.feature.push(feature);
      // A set without members is not allowed; no place is 0 or less.
      lists.mode.push(members.length === 0 ? modes.atMost : modes.member);
      lists.split.push(codes === null ? (tree.threshold[i] ?? 0) : 0);
      if (members.length > 0) lists.members.push(...members, Number.NaN);
      lists.yes.push(place[left] ?? 0);
      lists.yesIsLeaf.push(tree.feature[left] === -1 ? 1 : 0);
      lists.no.push(place[right] ?? 0);
      lists.noIsLeaf.push(tree.feature[right] === -1 ? 1 : 0);
      lists.missingYes.push(tree.missingLeft[i] ?? 0);
    }
  }
  return lists;
};

/**
 * The input, where a category is its place among those that training rows had, from 1, and missing if it is
 * none of them: ONNX Runtime takes whole numbers only for members of a set.
 */
const placed = (graph: Graph, input: Value, { features, categories }: TreeEnsemble): Value => {
  const { node, constant } = graph;
  if (categories === undefined || categories.every((codes) => codes === null)) return input;
  const columns = graph.split(input, features.length).map((column, j) => {
    const codes = categories[j] ?? null;
    if (codes === null) return column;
    const same = node("Equal", [column, constant(doubles(codes, 1, codes.length))]);
    const place = node("MatMul", [
      node("Cast", [same], { to: elementNumber("double") }),
      constant(
        doubles(
          codes.map((_, at) => at + 1),
          codes.length,
          1,
        ),
      ),
    ]);
    const isKnown = node("Greater", [place, constant(doubles([0], 1, 1))]);
    return node("Where", [isKnown, place, constant(doubles([Number.NaN], 1, 1))]);
  });
  return node("Concat", columns, { axis: 1 });
};
