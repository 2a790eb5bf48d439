/** A matrix factorisation as an ONNX file: from the names of a user and an item to how well they fit. */
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError } from "../../Duckdb.ts";
import { readSide } from "../../internal/recommend/candidates.ts";
import type { AnyRecommender } from "../../recommend/Recommender.ts";
import * as Table from "../../Table.ts";
import { doubles, type Graph, type Value, writeModel } from "./graph.ts";

/** The recommender is no formula of a user and an item, which is what an ONNX file can compute. */
export class RecommenderNotInOnnx extends Schema.TaggedError<RecommenderNotInOnnx>()(
  "RecommenderNotInOnnx",
  { kind: Schema.String, because: Schema.String },
) {
  override get message(): string {
    return `"${this.kind}" has no ONNX form: ${this.because}. Only a matrix factorisation has one; serve the others in a system, with Deploy.system.`;
  }
}

/**
 * A matrix factorisation as the bytes of an ONNX file, all in doubles, so that its scores are those of the
 * recommender but for rounding (1e-9 and less). The inputs `user` and `item` take names as text, rows × 1; the
 * output `score` has rows × 1, and is NaN where the user or the item is not known. What a user has met, and the
 * order of a list, are left to who asks. The same recommender gives the same bytes.
 *
 * Fails with {@link RecommenderNotInOnnx} for neighbours (what they say depends on all that a user has liked) and
 * for popularity and chance (an order, the same table for everybody).
 *
 * @example
 * ```ts
 * import { Onnx, type Recommender } from "@ml-pipe/data";
 *
 * const bytesOf = (factors: Recommender.AnyRecommender) => Onnx.encodeRecommender(factors);
 * ```
 */
export const encodeRecommender: (
  recommender: AnyRecommender,
) => Effect.Effect<
  Uint8Array,
  RecommenderNotInOnnx | DuckdbError | Artifact.ArtifactMissing | Artifact.ArtifactStoreError,
  Duckdb | Artifact.ArtifactStore
> = Effect.fnUntraced(function* ({ form, kind, interactions }) {
  if (form._tag !== "factors") {
    return yield* new RecommenderNotInOnnx({
      kind,
      because:
        form._tag === "neighbours"
          ? "what it says depends on all that a user has liked, of any number"
          : "it is one order of the items, whoever asks",
    });
  }
  const users = yield* readNamed(form.users, form.factors);
  const items = yield* readNamed(form.items, form.factors);
  const port = (name: string) => ({ name, type: "string", columns: 1 }) as const;
  return writeModel(
    {
      name: interactions.name,
      description: `${kind} of ${interactions.name}, trained by ml-pipe`,
      inputs: [port("user"), port("item")],
      output: { name: "score", type: "double", columns: 1 },
      metadata: { kind, interactions: interactions.name, factors: String(form.factors) },
    },
    (graph, [user, item = user]) => {
      const { node, constant } = graph;
      const [u, i] = [sideGraph(graph, user, users), sideGraph(graph, item, items)];
      const last = constant({ type: "int64", shape: [1], values: [2] });
      const product = node("ReduceSum", [node("Mul", [u.factors, i.factors]), last], {
        keepdims: 0,
      });
      const start = node("Add", [constant(doubles([form.base], 1, 1)), u.bias]);
      return node("Add", [node("Add", [start, i.bias]), product]);
    },
  );
});

interface Named {
  readonly names: ReadonlyArray<string>;
  readonly bias: Float64Array;
  /** One row of factors after the other. */
  readonly factors: Float64Array;
  readonly width: number;
}

const readNamed = Effect.fnUntraced(function* (artifact: Artifact.Artifact, width: number) {
  const [store, db] = [yield* Artifact.ArtifactStore, yield* Duckdb];
  yield* store.verify(artifact);
  const file = Table.parquet(yield* store.path(artifact));
  const side = yield* readSide(
    `(SELECT *, row_number() OVER (ORDER BY id) - 1 AS number FROM ${file})`,
    width,
  );
  const [found] = yield* db.rows(
    "read the names of factors",
    `SELECT CAST(to_json(coalesce(list(id ORDER BY id), [])) AS VARCHAR) AS names FROM ${file}`,
  );
  const names: ReadonlyArray<string> = JSON.parse(String(found?.["names"]));
  return { names, bias: side.bias, factors: side.factors, width } satisfies Named;
});

/** The bias, rows × 1, and the factors, rows × 1 × width, of names; one further row, of NaN, is for all others. */
const sideGraph = (
  { node, constant }: Graph,
  name: Value,
  { names, bias, factors, width }: Named,
): { readonly bias: Value; readonly factors: Value } => {
  const place = node(
    "LabelEncoder",
    [name],
    {
      keys_strings: { strings: names },
      values_int64s: [...names.keys()],
      default_int64: names.length,
    },
    "ai.onnx.ml",
  );
  const rows = names.length + 1;
  const padded = new Float64Array(rows * width).fill(Number.NaN);
  padded.set(factors);
  const biases = new Float64Array(rows).fill(Number.NaN);
  biases.set(bias);
  return {
    bias: node("Gather", [constant(doubles(biases)), place], { axis: 0 }),
    factors: node("Gather", [constant(doubles(padded, rows, width)), place], { axis: 0 }),
  };
};
