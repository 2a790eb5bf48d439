/** Why nothing can be said of a model beside its baseline on the rows of a table. */
import * as Schema from "effect/Schema";
import { counted } from "../Words.ts";

/** A model's document reads a column that is no feature of its feature set: the label, or a kept one. */
export class ForeignFeature extends Schema.TaggedError<ForeignFeature>()("ForeignFeature", {
  featureSet: Schema.String,
  features: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return `the model reads ${this.features.map((name) => `"${name}"`).join(", ")}, which the feature set "${this.featureSet}" does not define as a feature, so it may not be known at the decision. Train on the features of the set only, or define it as one.`;
  }
}

/** Rows have labels that are none of the classes that are known. */
export class UnknownClasses extends Schema.TaggedError<UnknownClasses>()("UnknownClasses", {
  table: Schema.String,
  known: Schema.Array(Schema.String),
  found: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const list = (names: ReadonlyArray<string>) => names.map((name) => `"${name}"`).join(", ");
    return `the ${this.table} table has labels that are none of ${list(this.known)}: ${list(this.found)}. Say in the charter what choosing costs for them, or join them with another class in the feature set's label.`;
  }
}

/** The baseline says nothing of some rows, or chooses what cannot be chosen. */
export class BaselineSilent extends Schema.TaggedError<BaselineSilent>()("BaselineSilent", {
  baseline: Schema.String,
  rows: Schema.Int,
  choices: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const one = this.choices.length === 0 ? "" : ` among ${this.choices.join(", ")}`;
    return `the baseline "${this.baseline}" has no answer${one} for ${counted(this.rows, "row")}, so nothing can be held against it there. End its formula with orElse, so that it answers for every row.`;
  }
}

/** Numbers to predict, or predictions, that are infinite or none. */
export class NotFinite extends Schema.TaggedError<NotFinite>()("NotFinite", {
  what: Schema.Literals(["label", "prediction"]),
  table: Schema.String,
  contract: Schema.String,
  rows: Schema.Int,
  /** Of the first of them, from 0, among the rows that are judged. */
  row: Schema.Int,
  found: Schema.String,
}) {
  override get message(): string {
    const { what, table, contract, rows, row, found } = this;
    const where = `${counted(rows, "row")} of the ${table} table under ${contract} (row ${row} of those judged: ${found})`;
    return what === "label"
      ? `the label is not finite in ${where}, so that no error follows. Look for a division by zero in the feature set's label, or for a value that stands for a missing one, and make it null.`
      : `the model's prediction is not finite for ${where}. Look for infinite features of these rows; a model in ONNX may not know missing values (NaN).`;
  }
}
