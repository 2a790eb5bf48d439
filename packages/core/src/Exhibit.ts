/**
 * Exhibits: figures and tables that a stage attaches to its run, as data. The report draws them; any
 * stage, built in or a user's own, may attach them.
 */
import * as Schema from "effect/Schema";

const Axis = Schema.Struct({
  label: Schema.String,
  /** `time`: values are epoch milliseconds. Default `number`. */
  kind: Schema.optionalKey(Schema.Literals(["number", "time", "log"])),
});

/** A chart of lines or points over a common x axis. */
export const LineExhibit = Schema.TaggedStruct("line", {
  title: Schema.String,
  caption: Schema.optionalKey(Schema.String),
  x: Axis,
  y: Axis,
  series: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      points: Schema.Array(Schema.Tuple([Schema.Finite, Schema.Finite])),
      marks: Schema.optionalKey(Schema.Boolean),
    }),
  ),
  /** Horizontal reference lines, such as a threshold. */
  rules: Schema.optionalKey(
    Schema.Array(Schema.Struct({ y: Schema.Finite, label: Schema.String })),
  ),
  /** Draws the diagonal of perfect agreement. */
  diagonal: Schema.optionalKey(Schema.Boolean),
});

/** Horizontal bars, with an optional interval on each. */
export const BarExhibit = Schema.TaggedStruct("bar", {
  title: Schema.String,
  caption: Schema.optionalKey(Schema.String),
  value: Axis,
  bars: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      value: Schema.Finite,
      lower: Schema.optionalKey(Schema.Finite),
      upper: Schema.optionalKey(Schema.Finite),
    }),
  ),
  /** Vertical reference line, such as the overall value. */
  reference: Schema.optionalKey(Schema.Struct({ value: Schema.Finite, label: Schema.String })),
});

/** A table of text and numbers. */
export const TableExhibit = Schema.TaggedStruct("table", {
  title: Schema.String,
  caption: Schema.optionalKey(Schema.String),
  columns: Schema.Array(Schema.String),
  rows: Schema.Array(Schema.Array(Schema.Union([Schema.String, Schema.Finite, Schema.Null]))),
});

/**
 * A figure or table as data.
 *
 * @example
 * ```ts
 * import { Exhibit } from "@ml-pipe/core";
 *
 * const rows: Exhibit.Exhibit = {
 *   _tag: "table", title: "Rows", columns: ["role", "rows"], rows: [["train", 1_900_000]],
 * };
 * ```
 */
export const Exhibit = Schema.Union([LineExhibit, BarExhibit, TableExhibit]);
/** See {@link Exhibit}. */
export type Exhibit = typeof Exhibit.Type;
