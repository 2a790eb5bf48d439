/** The audit of a table's labels: what no check of single values sees. */
import { type Artifact, type Contract, Stage } from "@ml-pipe/core";
import { type Duckdb, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { auditExhibits, auditFindings } from "./internal/labels/auditTold.ts";
import {
  classCounts,
  classDrift,
  effectiveClasses,
  mostClasses,
  numberDrift,
} from "./internal/labels/classes.ts";
import { nearDuplicates } from "./internal/labels/nearDuplicates.ts";
import { nearTexts } from "./internal/labels/nearTexts.ts";
import { sameFeatures } from "./internal/labels/sameFeatures.ts";

/** No row of the table has a label. */
export class NoLabels extends Schema.TaggedError<NoLabels>()("NoLabels", {
  contract: Schema.String,
  owner: Schema.String,
  label: Schema.String,
  rows: Schema.Int,
}) {
  override get message(): string {
    const { contract, owner, label, rows } = this;
    return `none of the ${rows} rows under ${contract} has a ${label}, so there is nothing to learn or to judge by. Ask ${owner} for the outcomes, or look for the join that lost them.`;
  }
}

/** How {@link audit} looks at a table. */
export interface AuditOptions<C extends Contract.Contract, R extends Table.Role> {
  /** Default: the contract's label. */
  readonly label?: keyof C["columns"] & string;
  /**
   * The columns that are alike in rows that should have one label. Default: what is known at the decision,
   * without times, the key and the group.
   */
  readonly features?: ReadonlyArray<keyof C["columns"] & string>;
  /** The role of the table; default `checked`. */
  readonly role?: R;
  /** Over which periods of the event time labels are compared; default `month`. */
  readonly period?: "day" | "week" | "month";
  /**
   * How frequent the rarest class must be, as a part of an equal share; default 0.1, as in cleanlab: 5 % of
   * two classes, 1 % of ten.
   */
  readonly minBalance?: number;
  /** Drift of a period's labels from which it is a finding; default 0.15, as in deepchecks. */
  readonly maxDrift?: number;
  /**
   * Share of the median distance to the nearest neighbour below which rows are near-duplicates, and how
   * many rows are compared at most; `false`: none. Default `{ threshold: 0.13, maxRows: 100_000 }`.
   */
  readonly nearDuplicates?: false | { readonly threshold?: number; readonly maxRows?: number };
  /**
   * Text columns in which near-duplicates are looked for by MinHash, in 20,000 texts at most. They are not
   * compared as other features are. Default: none.
   */
  readonly text?: ReadonlyArray<keyof C["columns"] & string>;
  /** Name of the stage. Default `audit`. */
  readonly name?: string;
}

/** What an audit found. */
export const LabelAudit = Schema.Struct({
  rows: Schema.Int,
  label: Schema.String,
  features: Schema.Array(Schema.String),
  /** Rows without a label. */
  missing: Schema.Int,
  /** The classes, the most frequent first; none where the label is a number with many values. */
  classes: Schema.Array(Schema.Struct({ label: Schema.String, rows: Schema.Int })),
  /** Null where there are no classes. */
  effectiveClasses: Schema.NullOr(Schema.Finite),
  /** Rows that repeat an earlier one in features and label, and how many different ones are repeated. */
  duplicates: Schema.Struct({ rows: Schema.Int, groups: Schema.Int }),
  /** Rows with the same features and different labels; `irreducible`: those that any model must get wrong. */
  conflicts: Schema.Struct({ groups: Schema.Int, rows: Schema.Int, irreducible: Schema.Int }),
  /** Null where it was switched off, or could not run (which is a finding). */
  nearDuplicates: Schema.NullOr(
    Schema.Struct({
      compared: Schema.Int,
      rows: Schema.Int,
      /** Rows that would be as near by chance. */
      expected: Schema.Finite,
      /** Pairs with different labels. */
      conflicting: Schema.Int,
      /** Whether all pairs were looked at. */
      complete: Schema.Boolean,
    }),
  ),
  /** For each text column, the texts that are nearly another one. */
  nearTexts: Schema.Array(
    Schema.Struct({
      column: Schema.String,
      compared: Schema.Int,
      rows: Schema.Int,
      /** Pairs with different labels. */
      conflicting: Schema.Int,
    }),
  ),
  /**
   * By period; `drift` is against all periods before, null where too few rows: the bias-corrected Cramér's V
   * of classes, the Kolmogorov–Smirnov statistic of numbers over 200 bins.
   */
  drift: Schema.Array(
    Schema.Struct({
      from: Schema.DateFromString,
      rows: Schema.Int,
      drift: Schema.NullOr(Schema.Finite),
    }),
  ),
}).annotate({ title: "LabelAudit" });
/** See {@link LabelAudit}. */
export type LabelAudit = typeof LabelAudit.Type;

/** What {@link audit} can fail with. */
export type AuditError = NoLabels | Duckdb.DuckdbError | Table.ReadError;

/**
 * A stage that audits the labels of a table: missing labels, class balance, rows with the same features and
 * different labels, exact and near-duplicates, and drift over time. It changes nothing; what it finds are
 * findings and exhibits, and its output is all numbers.
 *
 * A few scans in SQL; only near-duplicates read rows, of which a bounded number is compared.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Labels } from "@ml-pipe/validate";
 *
 * const Mail = Contract.make("mail", {
 *   version: "1", owner: "post", label: "spam",
 *   columns: { words: Column.int(), links: Column.int(), spam: Column.boolean({ availableAt: "outcome" }) },
 * });
 * const audit = Labels.audit(Mail, { minBalance: 0.05 });
 * ```
 */
export const audit = <C extends Contract.Contract, R extends Table.Role = "checked">(
  contract: C,
  options: AuditOptions<C, R> = {},
): Stage.Stage<
  { readonly data: Table.Table<C, R> },
  LabelAudit,
  {},
  AuditError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> => {
  const { spec } = contract;
  const label = options.label ?? spec.label;
  if (label === undefined || spec.columns[label] === undefined) {
    throw new TypeError(`labels: "${contract.name}" has no label: name the column`);
  }
  const features = options.features ?? featuresOf(spec, label);
  const unknown = features.filter((name) => spec.columns[name] === undefined || name === label);
  if (unknown.length > 0 || features.length === 0) {
    throw new TypeError(
      `labels: "${contract.name}" has no features to compare rows by${unknown.length > 0 ? `: not ${unknown.join(", ")}` : ""}`,
    );
  }
  const { text = [] } = options;
  const noText = text.find((column) => spec.columns[column]?.type !== "string");
  if (noText !== undefined) {
    throw new TypeError(`labels: "${noText}" of "${contract.name}" is no string column`);
  }
  const { period = "month", minBalance = 0.1, maxDrift = 0.15, name = "audit" } = options;
  const near =
    options.nearDuplicates === false
      ? undefined
      : { threshold: 0.13, maxRows: 100_000, ...options.nearDuplicates };
  if (near !== undefined && !(near.threshold > 0 && near.maxRows >= 100)) {
    throw new TypeError("labels: near-duplicates need a threshold above 0 and 100 rows at least");
  }
  const others = features.filter((column) => !text.includes(column));
  // The role is the author's word or the default that its type has.
  const role = (options.role ?? "checked") as R;
  const limits = { minBalance, maxDrift };
  return Stage.make(name, {
    description: `audits the ${label} of ${contract.name}`,
    input: { data: Table.of(contract, role) },
    output: LabelAudit,
    params: {
      contract: contract.digest,
      label,
      features,
      period,
      ...limits,
      near: near === undefined ? null : { ...near },
      text,
    },
    run: Effect.fnUntraced(function* ({ data }, { exhibit, finding, progress }) {
      const relation = yield* Table.relation(data, { rowNumbers: true });
      const rows = { relation, label, features };
      const { classes, missing } = yield* classCounts(rows);
      const labelled = data.rows - missing;
      if (labelled <= 0) {
        const about = { contract: contract.name, owner: spec.owner, label };
        return yield* new NoLabels({ ...about, rows: data.rows });
      }
      yield* progress({ label: "compare rows", rows: data.rows });
      const same = yield* sameFeatures(rows);
      const types = Object.fromEntries(
        Object.entries(spec.columns).map(([column, { type }]) => [column, type]),
      );
      const compared =
        near === undefined
          ? undefined
          : yield* nearDuplicates({ ...rows, features: others, types, labelled }, near);
      const texts = yield* Effect.forEach(text, (column) => nearTexts(rows, column));
      const isClass = classes.length <= mostClasses;
      const { eventTime } = spec;
      const isNumber = types[label] === "int" || types[label] === "float";
      const drift =
        eventTime === undefined || !(isClass || isNumber)
          ? []
          : isClass
            ? yield* classDrift(rows, { time: eventTime, period })
            : yield* numberDrift(rows, { time: eventTime, period }, maxDrift);
      const { duplicates, conflicts } = same;
      const found: LabelAudit = {
        rows: data.rows,
        label,
        features,
        missing,
        classes: isClass ? classes : [],
        effectiveClasses: isClass ? rounded(effectiveClasses(classes)) : null,
        duplicates: { rows: duplicates.rows, groups: duplicates.groups },
        conflicts: {
          groups: conflicts.groups,
          rows: conflicts.rows,
          irreducible: conflicts.irreducible,
        },
        nearDuplicates:
          compared?._tag === "compared"
            ? {
                compared: compared.rows,
                rows: compared.near,
                expected: rounded(compared.expected),
                conflicting: compared.conflicting,
                complete: compared.complete,
              }
            : null,
        nearTexts: texts.map(({ column, compared, rows, conflicting }) => ({
          column,
          compared,
          rows,
          conflicting,
        })),
        drift: drift.map((one) => ({
          from: new Date(one.from),
          rows: one.rows,
          drift: one.drift === null ? null : rounded(one.drift),
        })),
      };
      const about = {
        owner: spec.owner,
        same,
        near: compared,
        texts,
        eventTime,
        ...limits,
      };
      yield* Effect.forEach(auditFindings(found, about), finding);
      yield* Effect.forEach(auditExhibits(found, about), exhibit);
      return found;
    }, Effect.scoped),
  });
};

/** What is known at the decision and says what the row is like: no time, key or group. */
const featuresOf = (spec: Contract.ContractSpec, label: string): ReadonlyArray<string> => {
  const { eventTime, knownAt, group, key = [] } = spec;
  const apart = new Set([label, eventTime, knownAt, group, ...key]);
  return Object.entries(spec.columns)
    .filter(
      ([name, { type, availableAt }]) =>
        availableAt === "decision" && type !== "timestamp" && !apart.has(name),
    )
    .map(([name]) => name);
};

/** Twelve digits: more of them are not the same on every machine. */
const rounded = (value: number): number => Number(value.toPrecision(12));
