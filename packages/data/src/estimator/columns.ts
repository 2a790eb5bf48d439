/** Whether columns can be scored. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** A feature of all rows; NaN is missing. */
export type Column = Float64Array | Float32Array;

/** The columns to be scored do not fit the model or one another. */
export class ScoreInputInvalid extends Schema.TaggedError<ScoreInputInvalid>()(
  "ScoreInputInvalid",
  {
    what: Schema.String,
    where: Schema.String,
    next: Schema.String,
  },
) {
  override get message(): string {
    return `cannot score: ${this.what} (${this.where}). ${this.next}`;
  }
}

/** How many rows there is place for in an output of `width` scores per row. */
export const rowsOf = (
  out: Float64Array,
  width: number,
): Effect.Effect<number, ScoreInputInvalid> =>
  out.length % width === 0
    ? Effect.succeed(out.length / width)
    : Effect.fail(
        new ScoreInputInvalid({
          what: `${out.length} places for scores where each row has ${width}`,
          where: "out",
          next: "Give an output of rows × Estimator.width(model).",
        }),
      );

/** One column for each feature, all `rows` long. */
export const requireColumns = (
  features: ReadonlyArray<string>,
  columns: ReadonlyArray<Column>,
  rows: number,
): Effect.Effect<void, ScoreInputInvalid> => {
  if (columns.length !== features.length) {
    return Effect.fail(
      new ScoreInputInvalid({
        what: `${columns.length} columns where the model has ${features.length} features`,
        where: "columns",
        next: `Give one column per feature, in this order: ${features.join(", ")}.`,
      }),
    );
  }
  const j = columns.findIndex((column) => column.length !== rows);
  if (j === -1) return Effect.void;
  return Effect.fail(
    new ScoreInputInvalid({
      what: `${columns[j]?.length} values where ${rows} rows are to be scored`,
      where: `column "${features[j]}"`,
      next: "Give columns of one table, all of the same length as the output.",
    }),
  );
};
