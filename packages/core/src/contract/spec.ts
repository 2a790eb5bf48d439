/** A contract as data. */
import * as Schema from "effect/Schema";
import { CheckSpec } from "../Check.ts";
import * as Column from "../Column.ts";

/** A contract as data: stored with runs and releases, digested, and shown on the graph's edges. */
export const ContractSpec = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  owner: Schema.String,
  consumers: Schema.Array(Schema.String),
  description: Schema.optionalKey(Schema.String),
  columns: Schema.Record(Schema.String, Column.ColumnSpec),
  /** Column with the instant at which the row's event happened. */
  eventTime: Schema.optionalKey(Schema.String),
  /** Column with the instant from which the row could be read, where that is later than its event. */
  knownAt: Schema.optionalKey(Schema.String),
  /** Column with the outcome that is to be predicted. */
  label: Schema.optionalKey(Schema.String),
  /** Column that names what rows belong to: the patient, the household, the customer. */
  group: Schema.optionalKey(Schema.String),
  /** Columns that together identify a row. */
  key: Schema.optionalKey(Schema.Array(Schema.String)),
  /** What must hold beside the columns' own limits. */
  expectations: Schema.optionalKey(Schema.Array(CheckSpec)),
  /** The newest event may be at most this old when the data is validated. */
  freshnessMs: Schema.optionalKey(Schema.Finite),
  minRows: Schema.optionalKey(Schema.Int),
  maxRows: Schema.optionalKey(Schema.Int),
});
/** See {@link ContractSpec}. */
export type ContractSpec = typeof ContractSpec.Type;
