/**
 * Feature sets: the features of a decision, defined once. A feature set is typed by the contract it
 * reads, compiles to SQL for training and to a closure for serving, and is itself a contract: the
 * table it makes is what models are trained on.
 *
 * A feature that depends on a column known only after the decision does not compile.
 */
import { type Column, Contract, Digest, type Metric } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { identifier } from "./Duckdb.ts";
import * as Expr from "./Expr.ts";
import { contractOf } from "./featureSet/contract.ts";
import { foundOf, lookupProblems, lookupsOf } from "./featureSet/lookups.ts";
import { rowOf } from "./featureSet/request.ts";
import type { FeatureSetSpec } from "./featureSet/spec.ts";
import { lookedUp } from "./internal/ast.ts";
import { featureSql } from "./internal/featureSql.ts";
import { kindOf, problemsOf } from "./internal/kinds.ts";
import type { Request } from "./internal/rowProgram.ts";
import type * as Lookup from "./Lookup.ts";

export {
  compileRow,
  entitiesOf,
  requestColumns,
  RequestIncomplete,
  requestSchema,
} from "./featureSet/request.ts";
export { FeatureSetSpec, LabelKind, labelKind } from "./featureSet/spec.ts";

/** The columns that can be the moment of a decision: instants, never missing, known by then. */
export type DecisionTimes<C extends Contract.Contract> = {
  readonly [K in keyof C["columns"] & string]: C["columns"][K] extends Column.Column<
    Date,
    "decision"
  >
    ? K
    : never;
}[keyof C["columns"] & string];

/** What a label may be: yes or no, a number, or the name of a class. */
export type LabelValue = boolean | number | string;

/** The label that a metric is of: what a stage takes that goes by the charter's metric. */
export type LabelFor<M extends Metric.Metric> = M extends Metric.DecisionMetric
  ? boolean
  : M extends Metric.NumberMetric
    ? number
    : M extends Metric.ClassMetric
      ? string
      : never;

/**
 * Tables of feature sets whose label has type `L`: what a stage that can only handle such labels asks
 * for.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 *
 * const yesOrNo = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ): string => set.spec.name;
 * ```
 */
export type Labelled<L extends LabelValue = LabelValue> = Contract.Contract<
  string,
  Contract.Columns & { readonly label: Column.Column<L | null, "outcome"> }
>;

/** What a feature may be: a number or yes/no, known at the decision. */
export type Feature = Expr.Expr<number | boolean, "stored" | "decision">;

/** Features by name. */
export type Features = { readonly [name: string]: Feature };

/**
 * The kind of a feature: `"stored"` depends on the entity and the time alone, so that it can be computed
 * beforehand; `"on-demand"` needs the request. What depends on the training rows is neither: it is a
 * `Transform`, fitted with the model.
 */
export type Kind<F extends Feature> = "decision" extends F["availableAt"] ? "on-demand" : "stored";

type FeatureColumns<F> = { readonly [K in keyof F]: Column.Column<number | null, "decision"> };
type KeptColumns<C extends Contract.Contract, K extends keyof C["columns"]> = {
  readonly [P in K]: C["columns"][P];
};

/**
 * The contract of the table that a feature set makes: features, kept columns and the label. Its event
 * time is the moment of the decision; its group, and its key if all of its columns are kept, are those
 * of the source.
 */
export type FeatureContract<
  Name extends string,
  C extends Contract.Contract,
  F,
  K extends keyof C["columns"],
  Time extends string | undefined,
  L extends LabelValue = boolean,
> = Contract.Contract<
  Name,
  FeatureColumns<F> & KeptColumns<C, K> & { readonly label: Column.Column<L | null, "outcome"> },
  Time,
  C["group"]
>;

/** A decision about rows with an event time is made at an instant; other rows may have none. */
type DecisionTime<C extends Contract.Contract> = [C["eventTime"]] extends [undefined]
  ? unknown
  : { readonly decidedAt: DecisionTimes<C> };

/** What `decidedAt` is taken to be where it is left out: where it may not be, the error says just that. */
type NoDecisionTime<C extends Contract.Contract> = [C["eventTime"]] extends [undefined]
  ? undefined
  : DecisionTimes<C>;

/** The columns that every feature table keeps: the moment of the decision and the group. */
type AlwaysKept<C extends Contract.Contract, Time> = Extract<
  C["group"] | Time,
  keyof C["columns"] & string
>;

/**
 * A feature set.
 *
 * @typeParam C - the contract that it reads
 * @typeParam Out - the contract of the table that it makes
 * @typeParam Ls - what it looks up in other tables, which its stages take as inputs by the same names
 */
export interface FeatureSet<
  out C extends Contract.Contract = Contract.Contract,
  out Out extends Contract.Contract = Contract.Contract,
  out Ls extends Lookup.Lookups = {},
> {
  readonly source: C;
  readonly lookups: Ls;
  readonly contract: Out;
  readonly spec: FeatureSetSpec;
  readonly digest: Digest.Digest;
  /**
   * The feature table of a relation as one query, which any DuckDB runs. Default: relations, also those
   * of lookups, have the names of their contracts.
   */
  sql(relation?: string, lookups?: { readonly [K in keyof Ls]?: string }): string;
}

/**
 * A feature set as it was defined, which knows its features by name and type.
 *
 * @typeParam F - the features
 */
export interface Defined<
  C extends Contract.Contract,
  Out extends Contract.Contract,
  F extends Features,
  Ls extends Lookup.Lookups = {},
> extends FeatureSet<C, Out, Ls> {
  /**
   * The features of one request, for a service that embeds them; null is missing. Throws
   * {@link RequestIncomplete} if the request lacks a column that they need.
   *
   * Features with histories need a state: they are for {@link compileRow}, which is also the faster one.
   */
  readonly row: (request: RequestOf<C, F>) => { readonly [K in keyof F]: number | null };
}

/** A request to a feature set: columns that are known at the decision. */
export type RequestOf<
  C extends Contract.Contract,
  F extends Features,
> = "stored" extends F[keyof F]["availableAt"]
  ? HistoriesNeedAState
  : { readonly [K in Contract.ColumnsAt<C, "decision">]?: Contract.Row<C>[K] };

/** Nothing is one: compile the features with a state, `FeatureSet.compileRow(set.spec, state)`. */
export interface HistoriesNeedAState {
  readonly "compile the features with a state": never;
}

/**
 * What a set must be for its state to be materialised: some feature depends on the entity and the time alone.
 * A set that was read from a specification is asked when it is used.
 */
export type WithState<S> = S extends { readonly row: (request: infer R) => unknown }
  ? R extends HistoriesNeedAState
    ? unknown
    : NothingToMaterialise
  : unknown;

/** Nothing is one: every feature of the set is computed from the request, so that a service needs no state. */
export interface NothingToMaterialise {
  readonly "no feature depends on the entity and the time alone": never;
}

/**
 * Defines a feature set.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { FeatureSet } from "@ml-pipe/data";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1", owner: "lab", eventTime: "at",
 *   columns: {
 *     at: Column.timestamp(), km: Column.float(), late: Column.boolean({ availableAt: "outcome" }),
 *   },
 * });
 * const TripFeatures = FeatureSet.make("trip-features", {
 *   version: "1", of: Trip, decidedAt: "at",
 *   features: ($) => ({ km: $.km, hour: $.at.hourOfDay() }),
 *   label: ($) => $.late,
 * });
 * ```
 */
export const make = <
  const Name extends string,
  C extends Contract.Contract,
  const F extends Features,
  const D extends DecisionTimes<C> | undefined = NoDecisionTime<C>,
  const K extends keyof C["columns"] & string = never,
  L extends LabelValue = boolean,
  const G extends Features = {},
  const Ls extends Lookup.Lookups = {},
>(
  name: Name,
  options: {
    readonly version: string;
    readonly of: C;
    /**
     * The timestamp column with the moment of the decision. Left out only where the contract has no
     * event time; the features then have no histories, and the table is not split by time.
     */
    readonly decidedAt?: D;
    /** Rows of other tables, as they were known at the decision. Stands before what reads their columns. */
    readonly lookups?: ($: Expr.Columns<C>) => Ls;
    readonly features: ($: Expr.Columns<C>, lookups: Lookup.Found<Ls>) => F;
    /** More features, made of those by name. What several share is computed once. */
    readonly derived?: (features: F, $: Expr.Columns<C>, lookups: Lookup.Found<Ls>) => G;
    /** What the model predicts: yes or no, a number, or a class by its name. May use outcome columns. */
    readonly label: ($: Expr.Columns<C>) => Expr.Expr<L>;
    /** Columns to carry along, for slices. The group is always carried along. */
    readonly keep?: ReadonlyArray<K>;
  } & DecisionTime<C>,
): Defined<C, FeatureContract<Name, C, F & G, K | AlwaysKept<C, D>, D, L>, F & G, Ls> => {
  const { of: source, version, decidedAt } = options;
  const $ = Expr.columns(source);
  // Without lookups, their type has no names.
  const lookups = options.lookups?.($) ?? ({} as Ls);
  const found = foundOf(lookups);
  const first = options.features($, found);
  const features = [first, options.derived?.(first, $, found) ?? {}].flatMap(
    Object.entries<Expr.Expr<unknown>>,
  );
  for (const [feature, expr] of features) {
    if (expr?.ast === undefined) throw new TypeError(noExpression(name, feature, source.spec));
    if (expr.availableAt === "outcome") throw new FeatureUnavailable({ featureSet: name, feature });
  }
  const always = [decidedAt, source.spec.group].filter((column) => column !== undefined);
  const keep = [...new Set<string>([...always, ...(options.keep ?? [])])];
  const spec: FeatureSetSpec = {
    name,
    version,
    source: source.spec,
    ...(decidedAt === undefined ? {} : { decidedAt }),
    ...(options.lookups === undefined
      ? {}
      : {
          lookups: Object.fromEntries(
            Object.entries(lookups).map(([one, { spec }]) => [one, spec]),
          ),
        }),
    features: features.map(([feature, { ast }]) => ({ name: feature, expr: ast })),
    label: options.label($).ast,
    keep,
  };
  const problems = problemsIn(spec);
  if (problems.length > 0) throw new TypeError(`feature set "${name}": ${problems.join("; ")}`);
  // The columns were put together from the same parts as the type.
  const contract = contractOf(spec) as FeatureContract<Name, C, F & G, K | AlwaysKept<C, D>, D, L>;
  const row = rowOf(spec);
  return {
    ...build(source, contract, lookups, spec),
    // The names and types of requests and features in the specification are those of the type.
    row: (request) => row(request as Request) as { readonly [P in keyof (F & G)]: number | null },
  };
};

/** Where types were not checked, a column that the contract does not have is nothing at all. */
const noExpression = (name: string, feature: string, source: Contract.ContractSpec): string =>
  `feature set "${name}": feature "${feature}" is nothing that can be computed. Make it of the columns of "${source.name}": ${Object.keys(source.columns).join(", ")}`;

/**
 * A feature set from its data, as a model carries it. Its lookups are known by name only to the program
 * that runs: `lookups` has them, and the stages of the set take their tables beside what the types say.
 */
export const fromSpec = (spec: FeatureSetSpec): FeatureSet => {
  const source = Contract.fromSpec(spec.source);
  return build(source, contractOf(spec), lookupsOf(spec), spec);
};

const build = <
  C extends Contract.Contract,
  Out extends Contract.Contract,
  Ls extends Lookup.Lookups,
>(
  source: C,
  contract: Out,
  lookups: Ls,
  spec: FeatureSetSpec,
): FeatureSet<C, Out, Ls> => ({
  source,
  lookups,
  contract,
  spec,
  digest: Digest.ofJson(spec),
  sql: (relation = identifier(spec.source.name), named = {}) =>
    featureSql(spec, relation, { lookups: definedIn(named) }),
});

const definedIn = (named: { readonly [lookup: string]: string | undefined }) =>
  Object.fromEntries(
    Object.entries(named).filter((one): one is [string, string] => one[1] !== undefined),
  );

/** What to do with text, which no model computes with. There is no column to keep of what is looked up. */
const adviceOn = (expr: Expr.Ast): string => {
  if (kindOf(expr) !== "text") return "";
  return lookedUp(expr).length > 0
    ? " (compare it)"
    : " (compare it, or keep its column and encode it with Transform.oneHot)";
};

/** What the types say too, for definitions that were cast, and what they cannot say. */
const problemsIn = (spec: FeatureSetSpec): ReadonlyArray<string> => {
  const names = [...spec.features.map(({ name }) => name), ...spec.keep, "label"];
  // DuckDB does not tell upper and lower case apart in names.
  const twice = names.filter((name, index) =>
    names.slice(0, index).some((other) => other.toLowerCase() === name.toLowerCase()),
  );
  return [
    ...twice.map((name) => `the name "${name}" is used twice (upper and lower case are one)`),
    ...decisionTimeProblems(spec),
    ...lookupProblems(spec),
    ...spec.keep
      .filter((name) => spec.source.columns[name] === undefined)
      .map((name) => `the column "${name}" to keep is not in the contract "${spec.source.name}"`),
    ...spec.features.flatMap(({ name, expr }) =>
      problemsOf(expr, ["number", "boolean"]).map(
        (problem) => `feature "${name}": ${problem}${adviceOn(expr)}`,
      ),
    ),
    ...problemsOf(spec.label, ["boolean", "number", "text"]).map(
      (problem) => `the label: ${problem}`,
    ),
    ...(Expr.historiesOf(spec.label).length === 0 ? [] : ["the label cannot be a history"]),
  ];
};

const decisionTimeProblems = ({
  source,
  decidedAt,
  features,
}: FeatureSetSpec): ReadonlyArray<string> => {
  if (decidedAt === undefined) {
    const { eventTime } = source;
    return [
      ...(eventTime === undefined
        ? []
        : [`"${source.name}" has the event time "${eventTime}", so say when it is decided`]),
      ...features
        .filter(({ expr }) => Expr.historiesOf(expr).length > 0)
        .map(({ name }) => `feature "${name}": a history needs decidedAt`),
    ];
  }
  const column = source.columns[decidedAt];
  return column?.type === "timestamp" && column.availableAt === "decision"
    ? []
    : [`"${decidedAt}" is not a timestamp column that is known at the decision`];
};

/** A feature that is known only after the decision it is meant to serve. */
export class FeatureUnavailable extends Schema.TaggedError<FeatureUnavailable>()(
  "FeatureUnavailable",
  { featureSet: Schema.String, feature: Schema.String },
) {
  override get message(): string {
    return `feature set "${this.featureSet}": the feature "${this.feature}" uses a column that is known only after the decision. Remove it, or take its history: History.mean(…) uses only outcomes that were known by then.`;
  }
}
