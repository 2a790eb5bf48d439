/**
 * Contracts: the checked interface of a hand-over of data between two teams.
 *
 * A contract says which columns there are, what they mean and when they are known (see
 * {@link Column.Column}), who owns it, who relies on it, and how fresh and how large the data must be.
 */
import * as Duration from "effect/Duration";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as SchemaGetter from "effect/SchemaGetter";
import * as SchemaParser from "effect/SchemaParser";
import type { Check } from "./Check.ts";
import * as Column from "./Column.ts";
import { ContractInvalid, problemsOf } from "./contract/problems.ts";
import { ContractSpec } from "./contract/spec.ts";
import * as Digest from "./Digest.ts";

export { Change, ChangeKind, Side } from "./contract/change.ts";
export { diff } from "./contract/diff.ts";
export { type JsonSchema, toJsonSchema } from "./contract/jsonSchema.ts";
export { toMarkdown } from "./contract/markdown.ts";
export { type ForPython, toPython } from "./contract/python.ts";
export { ContractInvalid, problemsOf } from "./contract/problems.ts";
export { ContractSpec } from "./contract/spec.ts";
export { type Bump, bumpOf, versionProblem } from "./contract/version.ts";
export { expectationText, limitsText } from "./contract/words.ts";

/** Columns by name. */
export type Columns = { readonly [name: string]: Column.Column<unknown> };

/**
 * A contract: columns, their meaning, an owner and a version. Contracts are told apart by name, so
 * that two tables with equal columns but different meaning do not fit one another.
 *
 * @typeParam Name - the contract's name as a literal
 * @typeParam C - its columns
 * @typeParam Time - the event time's column, or `undefined` for rows without one
 * @typeParam Group - the column of the group that rows belong to, or `undefined`
 */
export interface Contract<
  out Name extends string = string,
  out C extends Columns = Columns,
  out Time extends string | undefined = string | undefined,
  out Group extends string | undefined = string | undefined,
> {
  readonly name: Name;
  readonly columns: C;
  /** A table with an event time is split by time only. */
  readonly eventTime: Time;
  /** A table with a group is split so that no group is in two parts. */
  readonly group: Group;
  readonly spec: ContractSpec;
  /** Digest of {@link ContractSpec}: changes when anything that is promised changes. */
  readonly digest: Digest.Digest;
}

/** The row type of a contract: `Contract.Row<typeof Flight>`. */
export type Row<C extends Contract> = RowOf<C["columns"]>;

/** The row type of some columns. */
export type RowOf<C extends Columns> = {
  readonly [K in keyof C]: C[K] extends Column.Column<infer T> ? T : never;
};

/** The names of the columns of `C` that are known at `A`. */
export type ColumnsAt<C extends Contract, A extends Column.Availability> = {
  readonly [K in keyof C["columns"] & string]: C["columns"][K] extends Column.Column<unknown, A>
    ? K
    : never;
}[keyof C["columns"] & string];

/** What a contract says beside its name. */
export interface ContractOptions<
  C extends Columns,
  Time extends string | undefined = string | undefined,
  Group extends string | undefined = string | undefined,
> {
  readonly version: string;
  /** The team that produces the data and answers for its findings. */
  readonly owner: string;
  /** The teams and models that rely on it. Default: none. */
  readonly consumers?: ReadonlyArray<string>;
  readonly description?: string;
  readonly columns: C;
  /**
   * The timestamp column with the instant at which the row's event happened. With an event time, the
   * contract offers splits by time only.
   */
  readonly eventTime?: Time;
  /** A timestamp column: when the row could be read, where that is later than its event. */
  readonly knownAt?: TimestampsOf<C, Date | null>;
  /** The column with the outcome that is to be predicted. */
  readonly label?: OutcomesOf<C>;
  /**
   * The column that names what rows belong to, such as the patient. With a group, the contract offers
   * splits only in which no group is in two parts.
   */
  readonly group?: Group;
  /** Columns that together identify a row. */
  readonly key?: ReadonlyArray<keyof C & string>;
  /** What must hold beside the columns' own limits. */
  readonly expectations?: ReadonlyArray<Check<RowOf<NoInfer<C>>>>;
  /** The newest event may be at most this old when the data is validated. */
  readonly freshness?: Duration.Input;
  readonly minRows?: number;
  readonly maxRows?: number;
}

type TimestampsOf<C extends Columns, T = Date> = keyof {
  readonly [K in keyof C & string as C[K] extends Column.Column<T> ? K : never]: K;
};

type OutcomesOf<C extends Columns> = {
  readonly [K in keyof C & string]: C[K] extends Column.Column<unknown, "outcome"> ? K : never;
}[keyof C & string];

/**
 * Makes a contract. Throws {@link ContractInvalid}, with everything that is wrong, if it contradicts
 * itself: a contract is written by a person in a file, where a throw points at the line.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 *
 * const Flight = Contract.make("flight", {
 *   version: "1.0.0",
 *   owner: "flight-operations",
 *   consumers: ["delay-risk"],
 *   columns: {
 *     departedAt: Column.timestamp({ description: "actual departure" }),
 *     delay: Column.int({ unit: "min", availableAt: "outcome" }),
 *     origin: Column.string({ pattern: "[A-Z]{3}" }),
 *   },
 *   eventTime: "departedAt",
 * });
 * type Flight = Contract.Row<typeof Flight>; // { departedAt: Date, delay: number, origin: string }
 * ```
 */
export const make = <
  const Name extends string,
  const C extends Columns,
  const Time extends TimestampsOf<C> | undefined = undefined,
  const Group extends (keyof C & string) | undefined = undefined,
>(
  name: Name,
  options: ContractOptions<C, Time, Group>,
): Contract<Name, C, Time, Group> => {
  const { columns, eventTime, group, expectations, freshness, consumers, ...rest } = options;
  const spec: ContractSpec = {
    ...rest,
    ...(eventTime === undefined ? {} : { eventTime }),
    ...(group === undefined ? {} : { group }),
    ...(expectations === undefined ? {} : { expectations: expectations.map(({ spec }) => spec) }),
    name,
    consumers: consumers ?? [],
    columns: Object.fromEntries(Object.entries(columns).map(([key, column]) => [key, column.spec])),
    ...(freshness === undefined
      ? {}
      : { freshnessMs: Duration.toMillis(Duration.fromInputUnsafe(freshness)) }),
  };
  // Where one is left out, its type is `undefined`: the default of the type parameter.
  const [time, whole] = [eventTime as Time, group as Group];
  requireValid(spec);
  return { name, columns, eventTime: time, group: whole, spec, digest: Digest.ofJson(spec) };
};

const requireValid = (spec: ContractSpec): void => {
  const problems = problemsOf(spec);
  if (problems.length > 0) throw new ContractInvalid({ contract: spec.name, problems });
};

/**
 * The contract that a stored specification describes: it decodes every row as the original does, under
 * the same digest. Throws {@link ContractInvalid} as {@link make} does; a specification from outside
 * is for {@link decode}.
 *
 * @example
 * ```ts
 * import { Contract } from "@ml-pipe/core";
 *
 * const digestOf = (spec: Contract.ContractSpec): string => Contract.fromSpec(spec).digest;
 * ```
 */
export const fromSpec = (spec: ContractSpec): Contract => {
  requireValid(spec);
  return build(spec);
};

const build = (spec: ContractSpec): Contract => ({
  name: spec.name,
  columns: Object.fromEntries(
    Object.entries(spec.columns).map(([key, column]) => [key, Column.fromSpec(column)]),
  ),
  eventTime: spec.eventTime,
  group: spec.group,
  spec,
  digest: Digest.ofJson(spec),
});

/**
 * The contract that JSON from outside describes, such as a file's, or everything that is wrong with it.
 *
 * @example
 * ```ts
 * import { Contract } from "@ml-pipe/core";
 * import * as Result from "effect/Result";
 *
 * const found = Contract.decode({ name: "flight", owner: "" });
 * const refused = Result.isFailure(found); // true: no version, no columns, no owner
 * ```
 */
export const decode = (json: unknown): Result.Result<Contract, ContractInvalid> => {
  const decoded = decodeSpec(json);
  if (Result.isFailure(decoded)) {
    const named = Schema.is(Named)(json) ? json.name : "(without a name)";
    const problems = decoded.failure.message.split("\n  at ").join(" at ").split("\n");
    return Result.fail(new ContractInvalid({ contract: named, problems }));
  }
  const problems = problemsOf(decoded.success);
  return problems.length === 0
    ? Result.succeed(build(decoded.success))
    : Result.fail(new ContractInvalid({ contract: decoded.success.name, problems }));
};

const decodeSpec = Schema.decodeUnknownResult(ContractSpec, {
  errors: "all",
  onExcessProperty: "error",
});
const Named = Schema.Struct({ name: Schema.String });

/**
 * The schema of one row in JSON, as a service receives it: every column present, no other, each of
 * its type and within its limits. All problems of the row are reported, not the first.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 *
 * const Point = Contract.make("point", { version: "1", owner: "lab", columns: { x: Column.float() } });
 * const decode = Schema.decodeUnknownResult(Contract.rowSchema(Point));
 * const found = decode({ x: 1 }); // Success({ x: 1 })
 * ```
 */
export const rowSchema = (contract: Contract): RowSchema => rowSchemaOf(contract.columns);

/**
 * The schema of a row given as columns alone, as {@link rowSchema}.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 *
 * const request = Contract.rowSchemaOf({ distance: Column.float({ unit: "mi" }) });
 * ```
 */
export const rowSchemaOf = (columns: Columns): RowSchema => {
  const row = Schema.Struct(
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.schema])),
  );
  // The options belong to the contract, not to whoever happens to decode a row.
  const options = { errors: "all", onExcessProperty: "error" } as const;
  const decode = SchemaParser.decodeUnknownEffect(row, options);
  const encode = SchemaParser.encodeUnknownEffect(row, options);
  return Schema.Unknown.pipe(
    Schema.decodeTo(Schema.toType(row), {
      decode: SchemaGetter.transformEffect((json: unknown) => decode(json)),
      encode: SchemaGetter.transformEffect((value: unknown) => encode(value)),
    }),
  );
};

/** A row of a contract whose columns are only known at run time. */
export type RowSchema = Schema.ConstraintCodec<{ readonly [column: string]: unknown }, unknown>;

const annotation = "ml-pipe/contract";

/**
 * Marks a schema of values that are under a contract (a table, a model's input), so that the graph can
 * show the contract on its edges.
 *
 * @example
 * ```ts
 * import { Contract } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 *
 * const pathOf = (contract: Contract.Contract) =>
 *   Schema.String.annotate(Contract.annotationsOf(contract));
 * ```
 */
export const annotationsOf = (
  contract: Pick<Contract, "spec">,
): { readonly [key: string]: ContractSpec } => ({ [annotation]: contract.spec });

/** The contract that a schema's values are under, if it was marked by {@link annotationsOf}. */
export const contractOf = (schema: Schema.Constraint): ContractSpec | undefined => {
  const spec = Schema.resolveAnnotations(schema)?.[annotation];
  return Schema.is(ContractSpec)(spec) ? spec : undefined;
};
