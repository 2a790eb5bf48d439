/** What the examples share: scores without a verdict, and what the audit says. */
import {
  Classification,
  type Contract,
  Decisions,
  type FeatureSet,
  Leakage,
  Model,
  type Table,
} from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";

/** One example: the score that the leak fakes, what caught it, and the score without it. */
export interface Example {
  readonly kind: Leakage.KindId;
  /** ROC AUC with the leak. */
  readonly leaky: number;
  /** The error or the answer of the audit. */
  readonly caught: string;
  /** ROC AUC without it. */
  readonly honest: number;
}

type Set<C extends Contract.Contract, Out extends Contract.Contract> = FeatureSet.FeatureSet<
  C,
  Out
>;

const never = {
  name: "never",
  description: "nobody acts",
  rule: { _tag: "literal", value: false },
};

/**
 * The ROC AUC of a model on any table, whoever was trained on it: no verdict, and no look in the ledger.
 * Never do this with test rows in a project of your own.
 */
export const rocAuc = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: Set<C, Out>,
  model: Model.AnyModel,
  table: Table.AnyTable,
) =>
  Decisions.read(set, { model, table, baseline: never, rows: "labelled" }).pipe(
    Effect.flatMap(({ probability, label }) =>
      Effect.fromResult(Classification.rocAuc(probability, label)),
    ),
  );

interface Parts {
  readonly train: Table.AnyTable;
  readonly test: Table.AnyTable;
}

/** What one check of the audit says of a split and a model. */
export const audited = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: Set<C, Out>,
  { train, test }: Parts,
  check: string,
  more: { readonly model?: Model.AnyModel; readonly options?: Leakage.AuditOptions } = {},
) {
  const estimator =
    more.model === undefined ? {} : { estimator: (yield* Model.load(more.model)).estimator };
  const { results } = yield* Leakage.audit(set, { train, test, ...estimator }, more.options);
  const found = results.filter((one) => one.check === check);
  const worst = found.find(({ outcome }) => outcome === "suspected") ?? found[0];
  return worst === undefined ? `${check} did not run` : `${check} ${worst.outcome}: ${worst.found}`;
});

/** The tag of an error, which is all that a table has room for. */
export const refused = <A, E extends { readonly _tag: string }, R>(
  effect: Effect.Effect<A, E, R>,
) => Effect.map(Effect.flip(effect), ({ _tag }) => _tag);
