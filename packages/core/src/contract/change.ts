/** One change of a contract, and whom it breaks. */
import * as Schema from "effect/Schema";

/** What a change is about. */
export const ChangeKind = Schema.Literals([
  "contract-renamed",
  "contract-removed",
  "version",
  "description",
  "owner",
  "consumers",
  "column-added",
  "column-removed",
  "column-renamed",
  "type",
  "nullability",
  "range",
  "values",
  "pattern",
  "unit",
  "zone",
  "availability",
  "classification",
  "key",
  "event-time",
  "known-at",
  "label",
  "group",
  "expectation-added",
  "expectation-removed",
  "expectation-changed",
  "freshness",
  "volume",
]);
/** See {@link ChangeKind}. */
export type ChangeKind = typeof ChangeKind.Type;

/**
 * Whom a change breaks. `consumers`: what they relied on is no longer promised, so that data may come
 * which they do not expect. `producers`: data that they deliver today would no longer be accepted.
 */
export const Side = Schema.Literals(["consumers", "producers"]);
/** See {@link Side}. */
export type Side = typeof Side.Type;

/** One change of a contract. */
export const Change = Schema.Struct({
  kind: ChangeKind,
  /** Where in the specification: `columns.delay.max`, `freshnessMs`. */
  at: Schema.String,
  /** The column that it is about, by its new name. */
  column: Schema.optionalKey(Schema.String),
  /** Null where there was nothing. */
  before: Schema.Json,
  /** Null where there is nothing now. */
  after: Schema.Json,
  /** Empty: compatible in both directions. */
  breaks: Schema.Array(Side),
  /** What changed and why it breaks somebody or nobody, in words. */
  why: Schema.String,
  /** The teams without whose word it may not be: none for a compatible change. */
  mustAgree: Schema.Array(Schema.String),
});
/** See {@link Change}. */
export type Change = typeof Change.Type;

/** A change before it is known who must agree. */
export type Found = Omit<Change, "mustAgree">;

/** How a value was moved: what both sides may think of it. */
export type Effect = "loosened" | "tightened" | "replaced" | "compatible";

/** Whom a move breaks: less is promised, more is asked for, or something else is meant. */
export const sidesOf: { readonly [effect in Effect]: ReadonlyArray<Side> } = {
  loosened: ["consumers"],
  tightened: ["producers"],
  replaced: ["consumers", "producers"],
  compatible: [],
};
