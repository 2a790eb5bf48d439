/** What a split can fail with: each says what was wrong with which rows, and what to do next. */
import * as Schema from "effect/Schema";
import { whole } from "../Words.ts";

/** A part of a split has no rows, so what depends on it would say nothing. */
export class EmptySplit extends Schema.TaggedError<EmptySplit>()("EmptySplit", {
  /** Such as `train`, or `fold 3 train`. */
  part: Schema.String,
  /** Why, in words. */
  because: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `the ${this.part} part of the split has no rows: ${this.because}. ${this.next}`;
  }
}

/** There are fewer rows or groups than folds, so that a fold would be empty. */
export class TooFewUnits extends Schema.TaggedError<TooFewUnits>()("TooFewUnits", {
  /** What is never torn apart. */
  unit: Schema.Literals(["row", "group"]),
  found: Schema.Int,
  folds: Schema.Int,
}) {
  override get message(): string {
    const { found, unit, folds } = this;
    return `${whole(found)} ${unit}${found === 1 ? "" : "s"} cannot be split into ${folds} folds. Ask for at most as many folds as there are ${unit}s, or ingest more.`;
  }
}

/** What is in two parts: its first row in each of them. Values stay where they are: they may be personal. */
const Overlap = Schema.Array(Schema.Struct({ part: Schema.String, row: Schema.Int }));

/**
 * Parts of a split have something in common that they must not have, so that a model would be judged
 * on what it has seen. Nothing is handed on.
 */
export class OverlapError extends Schema.TaggedError<OverlapError>()("OverlapError", {
  /** What is in two parts: equal rows, a key, a group, or an instant. */
  of: Schema.Literals(["row", "key", "group", "time"]),
  columns: Schema.Array(Schema.String),
  /** How many of them are in two parts. */
  count: Schema.Int,
  /** The first of them; rows are numbered in each part from 0. */
  examples: Schema.Array(Overlap),
  next: Schema.String,
}) {
  override get message(): string {
    const { of, columns, count, examples } = this;
    const what = { row: "equal rows", key: "keys", group: "groups", time: "instants" }[of];
    const shown = examples.map((rows) =>
      rows.map(({ part, row }) => `row ${row} of ${part}`).join(" and "),
    );
    return `the parts of the split overlap: ${whole(count)} ${what} (by ${columns.join(", ")}) are in two parts, such as ${shown.join("; ")}. ${this.next}`;
  }
}
