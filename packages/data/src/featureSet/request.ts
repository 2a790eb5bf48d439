/** A feature set for one request: what it must carry, and its features. */
import { Contract } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import * as Expr from "../Expr.ts";
import * as History from "../History.ts";
import { decisionTime } from "../internal/compile.ts";
import { type Request, toNumbers } from "../internal/rowProgram.ts";
import * as Lookup from "../Lookup.ts";
import { keptColumns } from "../transform/apply.ts";
import type { Fitted } from "../transform/spec.ts";
import { rowsOf } from "./lookups.ts";
import type { FeatureSetSpec } from "./spec.ts";

/** A request without columns that a feature needs. What is there but has no value is null. */
export class RequestIncomplete extends Schema.TaggedError<RequestIncomplete>()(
  "RequestIncomplete",
  { featureSet: Schema.String, absent: Schema.Array(Schema.String) },
) {
  override get message(): string {
    return `feature set "${this.featureSet}": the request has no ${this.absent.map((name) => `"${name}"`).join(", ")}. Send the column, with null where it has no value.`;
  }
}

/** The names of the columns that a request must carry, with those that a model's transformation reads. */
export const requestColumns = (spec: FeatureSetSpec, transform?: Fitted): ReadonlyArray<string> => {
  const read = spec.features.flatMap(({ expr }) => [...neededAtDecision(expr)]);
  const keys = entitiesOf(spec).flat();
  const decidedAt = spec.decidedAt === undefined ? [] : [spec.decidedAt];
  const kept = transform === undefined ? [] : keptColumns(transform, spec);
  return [...new Set([...decidedAt, ...read, ...keys, ...kept])].toSorted();
};

/** The entities whose state a feature set needs online: the columns of a request that name each. */
export const entitiesOf = (spec: FeatureSetSpec): ReadonlyArray<ReadonlyArray<string>> => [
  ...spec.features.flatMap(({ expr }) => Expr.historiesOf(expr)).map(({ by }) => by),
  ...rowsOf(spec).map(({ spec: { by } }) => by.map(({ equals }) => equals)),
];

/** What a request must carry for an expression: of a history, only the entity. */
const neededAtDecision = (ast: Expr.Ast): ReadonlySet<string> => {
  switch (ast._tag) {
    case "history":
      return new Set(ast.by);
    case "call":
      return new Set(ast.args.flatMap((arg) => [...neededAtDecision(arg)]));
    default:
      return Expr.columnsOf(ast);
  }
};

/** The schema of a request in JSON: the columns that the features need, each by its contract. */
export const requestSchema = (spec: FeatureSetSpec): Contract.RowSchema => {
  const { columns } = Contract.fromSpec(spec.source);
  return Contract.rowSchemaOf(
    Object.fromEntries(
      requestColumns(spec).flatMap((name) => {
        const column = columns[name];
        return column === undefined ? [] : [[name, column] as const];
      }),
    ),
  );
};

/**
 * Compiles a feature set for serving: a closure from a decoded request to the features' values, in the
 * order of the specification, with NaN for a missing one. Histories and lookups are found in `state`;
 * without it they are missing.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { FeatureSet } from "@ml-pipe/data";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1", owner: "lab",
 *   columns: { at: Column.timestamp(), late: Column.boolean({ availableAt: "outcome" }) },
 * });
 * const Hours = FeatureSet.make("hours", {
 *   version: "1", of: Trip, decidedAt: "at",
 *   features: ($) => ({ hour: $.at.hourOfDay() }), label: ($) => $.late,
 * });
 * const features = FeatureSet.compileRow(Hours.spec);
 * const values = features({ at: new Date("2001-06-01T19:30:00Z") }); // Float64Array [ 19 ]
 * ```
 */
export const compileRow = (
  spec: FeatureSetSpec,
  state: ReadonlyArray<History.HistorySource | Lookup.LookupSource> = [],
): ((request: Request) => Float64Array) => {
  const decidedAt = decisionTime(spec);
  const histories = state.filter((one) => "history" in one);
  const lookups = state.filter((one) => "lookup" in one);
  const rows = rowsOf(spec);
  return toNumbers(
    spec.features.map(({ expr }) => expr),
    {
      history: (history) =>
        History.lookup(
          history,
          histories.find((one) => History.same(one.history, history)),
          decidedAt,
        ),
      lookup: (name) => {
        const wanted = rows.find((one) => one.name === name);
        if (wanted === undefined) return undefined;
        const source = lookups.find((one) => one.lookup === wanted.digest);
        return { columns: wanted.columns, find: Lookup.find(wanted, source, decidedAt) };
      },
    },
  );
};

/** The features of a request by name. Compiled when first asked: most programs never do. */
export const rowOf = (
  spec: FeatureSetSpec,
): ((request: Request) => { readonly [feature: string]: number | null }) => {
  const needed = requestColumns(spec);
  let compiled: ((request: Request) => Float64Array) | undefined;
  return (request) => {
    const absent = needed.filter((column) => request[column] === undefined);
    if (absent.length > 0) throw new RequestIncomplete({ featureSet: spec.name, absent });
    compiled ??= compileRow(spec);
    const values = compiled(request);
    return Object.fromEntries(
      spec.features.map(({ name }, index) => {
        const value = values[index] ?? Number.NaN;
        return [name, Number.isNaN(value) ? null : value];
      }),
    );
  };
};
