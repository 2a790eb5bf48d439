/** The lookups of a feature set: their columns in formulas, and which of them are read. */
import { Contract, Digest } from "@ml-pipe/core";
import type * as Lookup from "../Lookup.ts";
import { type Ast, columnsOf, historiesOf, lookedUp, type LookedUpAst } from "../internal/ast.ts";
import { columnFormula } from "../internal/formula.ts";
import { hopsProblem } from "../internal/hops.ts";
import { problemsOf } from "../internal/kinds.ts";
import type { FeatureSetSpec } from "./spec.ts";

/** The columns of what lookups find, as expressions. */
export const foundOf = <Ls extends Lookup.Lookups>(lookups: Ls): Lookup.Found<Ls> => {
  const found: { readonly [lookup: string]: unknown } = Object.fromEntries(
    Object.entries(lookups).map(([name, { contract }]) => [
      name,
      Object.fromEntries(
        Object.entries(contract.columns).map(([column, { spec }]) => [
          column,
          columnFormula(column, spec, name),
        ]),
      ),
    ]),
  );
  // A formula has the methods of every type; the contracts say which of them apply to each column.
  return found as Lookup.Found<Ls>;
};

/** Lookups from their data. */
export const lookupsOf = ({
  lookups = {},
}: FeatureSetSpec): { readonly [name: string]: Lookup.Lookup } =>
  Object.fromEntries(
    Object.entries(lookups).map(([name, spec]) => {
      // It was one with an event time when it was written: nothing else is a lookup's contract.
      const contract = Contract.fromSpec(spec.contract) as Lookup.Lookup["contract"];
      return [name, { contract, spec }];
    }),
  );

/** The lookups that features read, each with the columns that are read of it, in the order of names. */
export const rowsOf = (spec: FeatureSetSpec): ReadonlyArray<Lookup.LookupRows> =>
  Object.entries(spec.lookups ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, lookup]) => {
      const read = new Map(
        spec.features
          .flatMap(({ expr }) => lookedUp(expr))
          .filter(({ of }) => of === name)
          .map((column) => [JSON.stringify(column), column] as const),
      );
      const rows = { name, spec: notItself(spec, lookup), columns: [...read.values()] };
      // Not of the whole contract: a column that nobody reads, or another owner, is no other state.
      const { contract, ...how } = rows.spec;
      const { name: of, eventTime } = contract;
      const digest = Digest.ofJson({ ...rows, spec: { ...how, of, eventTime } });
      return read.size === 0 ? [] : [{ ...rows, digest }];
    });

/**
 * A lookup in the rows of the source itself: they are known at their own decision at the earliest, whatever
 * `knownAt` says. Otherwise a row could find itself, and its own outcome.
 */
const notItself = (
  { source, decidedAt }: FeatureSetSpec,
  lookup: Lookup.LookupSpec,
): Lookup.LookupSpec => {
  const { contract, knownAt } = lookup;
  const isOther = contract.name !== source.name || decidedAt === contract.eventTime;
  if (isOther || decidedAt === undefined || contract.columns[decidedAt] === undefined)
    return lookup;
  const decided: Ast = { _tag: "column", name: decidedAt, type: "timestamp" };
  const early: Ast = { _tag: "call", operator: "lessThan", args: [knownAt, decided] };
  return {
    ...lookup,
    knownAt: { _tag: "call", operator: "choose", args: [early, decided, knownAt] },
  };
};

/** Names of inputs that stages have beside lookups. */
const taken = new Set(["data", "history", "model", "verdict", "approval", "served", "release"]);

/** What the types say too, for definitions that were cast, and what they cannot say. */
export const lookupProblems = (spec: FeatureSetSpec): ReadonlyArray<string> => [
  ...unread(spec).map((name) => `lookup "${name}": no feature reads it: leave it out`),
  ...Object.entries(spec.lookups ?? {}).flatMap(([name, lookup]) =>
    problemsIn(spec, name, lookup).map((problem) => `lookup "${name}": ${problem}`),
  ),
  ...spec.features.flatMap(({ name, expr }) =>
    readProblems(spec, lookedUp(expr)).map((problem) => `feature "${name}": ${problem}`),
  ),
  ...spec.features
    .filter(({ expr }) =>
      historiesOf(expr).some(({ of, knownAt }) =>
        [of, knownAt].some((one) => lookedUp(one).length > 0),
      ),
    )
    .map(({ name }) => `feature "${name}": a history of what is looked up is not supported`),
  ...(lookedUp(spec.label).length === 0 ? [] : ["the label cannot be looked up"]),
];

/** A stage would ask for tables that nothing comes of. */
const unread = ({ lookups = {}, features }: FeatureSetSpec): ReadonlyArray<string> => {
  const read = new Set(features.flatMap(({ expr }) => lookedUp(expr)).map(({ of }) => of));
  return Object.keys(lookups).filter((name) => !read.has(name));
};

const problemsIn = (
  { source, decidedAt }: FeatureSetSpec,
  name: string,
  { contract, by, knownAt, toleranceMs, hopMs }: Lookup.LookupSpec,
): ReadonlyArray<string> => {
  const { eventTime, key = [] } = contract;
  const times = [...(eventTime === undefined ? [] : [eventTime]), ...columnsOf(knownAt)];
  const known = new Set([...by.map(({ column }) => column), ...times]);
  return [
    ...(taken.has(name) ? [`stages have another input "${name}": give it another name`] : []),
    ...(decidedAt === undefined ? ["it needs decidedAt"] : []),
    ...(eventTime === undefined ? [`the rows of "${contract.name}" have no event time`] : []),
    ...hopsProblem("the tolerance", toleranceMs, hopMs),
    ...by.flatMap(({ column, equals }) => {
      const [theirs, ours] = [contract.columns[column], source.columns[equals]];
      if (theirs === undefined) return [`"${contract.name}" has no column "${column}"`];
      if (ours === undefined) return [`"${source.name}" has no column "${equals}"`];
      return [
        ...(theirs.type === ours.type
          ? []
          : [`"${column}" is ${theirs.type}, and "${equals}" is ${ours.type}`]),
        ...(["boolean", "int", "float", "string"].includes(theirs.type)
          ? []
          : [`"${column}" is ${theirs.type}, which names no entity`]),
        ...(ours.availableAt === "decision" ? [] : [`"${equals}" is not known at the decision`]),
      ];
    }),
    ...problemsOf(knownAt, ["time"]),
    ...(historiesOf(knownAt).length === 0 && lookedUp(knownAt).length === 0
      ? []
      : ["knownAt must be a formula over the other table's own columns"]),
    ...(key.length > 0 && key.every((column) => known.has(column))
      ? []
      : [
          `"${contract.name}" may have several rows of one ${[...known].join(", ")}, of which chance would choose: give the contract a key of ${[...known].map((one) => `"${one}"`).join(", ")}`,
        ]),
  ];
};

const readProblems = (
  { lookups = {} }: FeatureSetSpec,
  columns: ReadonlyArray<LookedUpAst>,
): ReadonlyArray<string> =>
  columns.flatMap(({ of, name }) => {
    const lookup = lookups[of];
    if (lookup === undefined) return [`there is no lookup "${of}"`];
    const { contract, knownAt } = lookup;
    const column = contract.columns[name];
    if (column === undefined) return [`"${contract.name}" has no column "${name}"`];
    const isSaid = knownAt._tag !== "column" || knownAt.name !== contract.eventTime;
    return column.availableAt === "outcome" && !isSaid
      ? [`"${of}.${name}" is an outcome: say when it becomes known, with knownAt`]
      : [];
  });
