/** Whether a model that came from elsewhere gives usable scores for rows that it will be judged by. */
import type { Artifact, Contract } from "@ml-pipe/core";
import {
  Duckdb,
  type FeatureSet,
  Model,
  Onnx,
  Predictions,
  Scoring,
  Table,
  Transform,
  Words,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";

/** What trying a model can fail with. */
export type TriedError =
  | Predictions.ForeignFeature
  | Effect.Error<ReturnType<Scoring.Scoring["columns"]>>
  | Model.LoadError
  | Scoring.OpenError
  | Duckdb.DuckdbError
  | Table.ReadError;

/** More rows would find no other fault. */
const mostRows = 50_000;

/** What probabilities of classes may miss one by: they are often computed in 32 bits. */
const tolerance = 1e-3;

/**
 * Scores validation rows with a model in ONNX. Fails if it gives no number for some, or something else than
 * probabilities where probabilities are promised: all would otherwise be found out rows later, in the verdict.
 */
export const requireScores = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  model: Model.Model<Out>,
  validation: Table.Table<Out, "validation">,
): Effect.fn.Return<void, TriedError, Duckdb.Duckdb | Artifact.ArtifactStore | Scope.Scope> {
  const document = yield* Model.load(model);
  const { estimator, transform, signature } = document;
  if (estimator._tag !== "OnnxModel") return;
  const names = estimator.features;
  yield* Predictions.requireOwnFeatures(set, names, transform);
  const db = yield* Duckdb.Duckdb;
  const rows = Math.min(validation.rows, mostRows);
  const { columns } = yield* db.numericColumns("try the model on validation rows", {
    from: `(FROM ${yield* Table.relation(validation)} LIMIT ${rows})`,
    select: transform === undefined ? names.map(Duckdb.identifier) : Transform.selectSql(transform),
    rows,
  });
  const scoring = yield* Scoring.open(document);
  const { width } = scoring;
  const scores = new Float64Array(rows * width);
  yield* scoring.columns(columns, scores);
  const wrong = Array.from({ length: rows }, (_, row) => row).filter(
    (row) => !isUsable(scores.subarray(row * width, (row + 1) * width), signature),
  );
  const [row] = wrong;
  if (row === undefined) return;
  const found = scores.subarray(row * width, (row + 1) * width).join(", ");
  const given = names.map((name, j) => `${name} = ${columns[j]?.[row]}`).join(", ");
  const numbers = Array.from(scores).every(Number.isFinite);
  return yield* new Onnx.OnnxInvalid({
    file: `the model "${model.kind}"`,
    problems: [
      {
        where: `output "${estimator.output.name}"`,
        expected: expectations[numbers ? signature._tag : "value"],
        found: `other numbers for ${Words.counted(wrong.length, "row")} of ${Words.whole(rows)}, such as ${found} for ${given}`,
        next: numbers
          ? "Export probabilities, not margins or values, or name the output and the columns that have them."
          : "Fill in what is missing, in the model (SimpleImputer) or by Transform.impute, if that is what it does not know.",
      },
    ],
  });
}, Effect.scoped);

const expectations: { readonly [says in Model.Signature["_tag"]]: string } = {
  probability: "a probability for each row",
  classes: "probabilities of all classes, which add up to 1",
  value: "a finite number for each row",
  score: "a finite number for each row",
};

const isUsable = (scores: Float64Array, { _tag }: Model.Signature): boolean => {
  if (!scores.every(Number.isFinite)) return false;
  if (_tag !== "probability" && _tag !== "classes") return true;
  const sum = scores.reduce((total, one) => total + one, 0);
  return (
    scores.every((one) => one >= 0 && one <= 1) &&
    (_tag === "probability" || Math.abs(sum - 1) <= tolerance)
  );
};
