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

/** Many small histograms side by side, one a column: what a table looks like at a glance. */
export const HistogramsExhibit = Schema.TaggedStruct("histograms", {
  title: Schema.String,
  caption: Schema.optionalKey(Schema.String),
  /** What the series of all panels are called: one, or a reference and what is held against it. */
  series: Schema.Array(Schema.String),
  panels: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      /** A line under the name, such as a unit or a distance. */
      about: Schema.optionalKey(Schema.String),
      /** Draws attention to the panel, with the reason in {@link about}. */
      marked: Schema.optionalKey(Schema.Boolean),
      bins: Schema.Union([
        /** Between edges, one more than bins. `time`: edges are epoch milliseconds. */
        Schema.Struct({
          kind: Schema.Literals(["number", "time"]),
          edges: Schema.Array(Schema.Finite),
        }),
        Schema.Struct({ kind: Schema.Literal("category"), labels: Schema.Array(Schema.String) }),
      ]),
      /** Shares of the rows by bin (0 to 1), a list for each series. */
      shares: Schema.Array(Schema.Array(Schema.Finite)),
      /** Figures in words, such as `["nulls", "3 %"]`. */
      facts: Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
    }),
  ),
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
export const Exhibit = Schema.Union([LineExhibit, BarExhibit, HistogramsExhibit, TableExhibit]);
/** See {@link Exhibit}. */
export type Exhibit = typeof Exhibit.Type;
