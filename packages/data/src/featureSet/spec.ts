/** Feature sets as data. */
import { Contract } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import * as Expr from "../Expr.ts";
import { kindOf } from "../internal/kinds.ts";
import { LookupSpec } from "../Lookup.ts";

/** A feature set as data: stored with each release, so that a request needs no code but ours. */
export const FeatureSetSpec = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  source: Contract.ContractSpec,
  /** The column with the moment of the decision, if the rows have one. */
  decidedAt: Schema.optionalKey(Schema.String),
  /** What features look up in other tables, by name. */
  lookups: Schema.optionalKey(Schema.Record(Schema.String, LookupSpec)),
  features: Schema.Array(Schema.Struct({ name: Schema.String, expr: Expr.Ast })),
  label: Expr.Ast,
  keep: Schema.Array(Schema.String),
});
/** See {@link FeatureSetSpec}. */
export type FeatureSetSpec = typeof FeatureSetSpec.Type;

/** The kind of a label: a decision is yes or no, a class is named by text. */
export const LabelKind = Schema.Literals(["boolean", "number", "text"]);
/** See {@link LabelKind}. */
export type LabelKind = typeof LabelKind.Type;

/** The kind of a feature set's label. */
export const labelKind = ({ label }: Pick<FeatureSetSpec, "label">): LabelKind => {
  const kind = kindOf(label);
  return kind === "number" || kind === "text" ? kind : "boolean";
};
