/**
 * Leakage: its kinds, and an audit that looks for all of them in a train and a test table. `evaluate`
 * runs it behind the holdout ledger, because it reads the test outcomes; the gate _no leakage suspected_
 * reads what it found.
 */
import type { Artifact, Holdout } from "@ml-pipe/core";
import {
  type Duckdb,
  FeatureSet,
  type Model,
  type Table,
  type TestRows,
  type Transform,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { factsOf } from "./internal/audit/facts.ts";
import * as Features from "./internal/audit/features.ts";
import * as Groups from "./internal/audit/groups.ts";
import { outcomeOf } from "./internal/audit/outcome.ts";
import { type Population, represents, shifted } from "./internal/audit/population.ts";
import { powerOf, shiftsOf } from "./internal/audit/power.ts";
import * as Rows from "./internal/audit/rows.ts";
import type { Audit, AuditResult } from "./LeakageAudit.ts";

export type { Population } from "./internal/audit/population.ts";
export { Audit, AuditOutcome, AuditResult, FeaturePower } from "./LeakageAudit.ts";
export { type Kind, KindId, kinds } from "./LeakageKind.ts";

/** What only the author knows. */
export interface AuditOptions {
  /** Features and kept columns that would be suspected and are right, each with the reason: it is recorded. */
  readonly accepted?: { readonly [name: string]: string };
  /** The rows that the score is claimed for. */
  readonly population?: Population;
}

/** What is audited. */
export interface Audited {
  readonly train: Table.AnyTable;
  readonly test: Table.AnyTable;
  /** For what the model itself says: gain per feature, what it standardises by. */
  readonly estimator?: Model.AnyEstimator;
  /** What the features go through before the estimator reads them. */
  readonly transform?: Transform.Fitted | undefined;
  /** How long outcomes take to be known, in milliseconds: what the embargo is held against. */
  readonly outcomeKnownAfterMs?: number;
  readonly look?: Pick<Holdout.Look, "number" | "correctedFor" | "justification">;
}

/** What {@link audit} can fail with. */
export type AuditError = Duckdb.DuckdbError | Table.ReadError;

/**
 * Looks for each kind of leakage between two tables of a feature set, and says of each check what was
 * expected, what was found and what to do. In SQL, in a few passes over both tables; features are judged
 * on a sample of 20,000 rows of each.
 *
 * @example
 * ```ts
 * import type { FeatureSet, Table } from "@ml-pipe/data";
 * import { Leakage } from "@ml-pipe/evaluate";
 * import * as Effect from "effect/Effect";
 *
 * const suspects = (set: FeatureSet.FeatureSet, train: Table.AnyTable, test: Table.AnyTable) =>
 *   Leakage.audit(set, { train, test }).pipe(
 *     Effect.map(({ results }) => results.filter(({ outcome }) => outcome === "suspected")),
 *   );
 * ```
 */
export const audit = Effect.fnUntraced(function* (
  set: TestRows.Rows,
  { train, test, estimator, transform, outcomeKnownAfterMs, look }: Audited,
  options: AuditOptions = {},
): Effect.fn.Return<Audit, AuditError, Duckdb.Duckdb | Artifact.ArtifactStore> {
  checkOptions(set, options);
  const outcome = yield* outcomeOf(set, train);
  const trainFacts = yield* factsOf(set, train, outcome);
  const testFacts = yield* factsOf(set, test, outcome);
  const power = yield* powerOf(trainFacts, testFacts);
  const earlier = yield* Rows.earlierRows(set, trainFacts, testFacts);
  const results: ReadonlyArray<AuditResult> = [
    Rows.testSize(trainFacts, testFacts),
    yield* Features.fittedOn(
      estimator && { estimator, transform, group: set.contract.spec.group },
      trainFacts,
      testFacts,
    ),
    selection(look),
    yield* Rows.twins(set, trainFacts, testFacts, "exact"),
    yield* Rows.twins(set, trainFacts, testFacts, "near"),
    Features.availability(set.spec),
    ...Features.single(power, trainFacts),
    ...Features.identifiers(power, trainFacts),
    Features.names(set.spec),
    ...(estimator === undefined ? [] : [Features.concentrated(estimator, trainFacts)]),
    Features.changed(power),
    ...Rows.time(trainFacts, testFacts, earlier, outcomeKnownAfterMs),
    yield* Rows.order(set, trainFacts),
    yield* Groups.declaredGroup(set, trainFacts, testFacts),
    ...(yield* Groups.undeclaredGroups(set, trainFacts, testFacts)),
    shifted(shiftsOf(trainFacts, testFacts)),
    represents(options.population, testFacts),
    repeated(look),
  ];
  return { results: results.map(accept(options.accepted ?? {})), power };
});

/** Throws a `TypeError` for options that say nothing: a feature that is not there, no reason, no share. */
export const checkOptions = (
  { spec }: Pick<TestRows.Rows, "spec">,
  { accepted = {}, population }: AuditOptions,
): void => {
  for (const [name, reason] of Object.entries(accepted)) {
    if (!spec.keep.includes(name) && !spec.features.some((feature) => feature.name === name)) {
      throw new TypeError(
        `leakage.accepted: "${spec.name}" has no feature and keeps no column "${name}"`,
      );
    }
    if (reason.trim() === "") {
      throw new TypeError(`leakage.accepted: say why "${name}" is no leak`);
    }
  }
  if (population?.positiveRate !== undefined && FeatureSet.labelKind(spec) !== "boolean") {
    throw new TypeError(
      `leakage.population: the label of "${spec.name}" is not yes or no, so there is no share of positives; leave positiveRate out`,
    );
  }
  const [low, high] = population?.positiveRate ?? [0, 1];
  if (!(low >= 0 && low <= high && high <= 1)) {
    throw new TypeError(
      `leakage.population: ${low} to ${high} is no range of shares; give two from 0 to 1, the smaller first`,
    );
  }
};

/** What the author vouches for is recorded with the reason, and closes no gate. */
const accept =
  (accepted: { readonly [feature: string]: string }) =>
  (result: AuditResult): AuditResult => {
    const reasons = result.columns.map((column) => accepted[column]);
    const known = reasons.filter((reason) => reason !== undefined);
    return result.outcome === "suspected" && known.length > 0 && known.length === reasons.length
      ? { ...result, outcome: "accepted", found: `${result.found}; accepted: ${known.join("; ")}` }
      : result;
  };

const selection = (look: Audited["look"]): AuditResult => ({
  kind: "L1.3",
  check: "leakage.selection",
  outcome: look === undefined ? "not-run" : look.number === 1 ? "clear" : "noted",
  columns: [],
  expected: "features that were chosen without a look at these test rows",
  found:
    look === undefined
      ? "no ledger to ask"
      : look.number === 1
        ? "that no other model had been judged on these rows"
        : `that ${look.number - 1} other model${look.number === 2 ? " had" : "s had"} been judged on these rows before`,
  next:
    look?.number === 1
      ? "Nothing to do."
      : "Choose features on the validation part, and judge on rows that nobody has seen.",
});

const repeated = (look: Audited["look"]): AuditResult => ({
  kind: "R",
  check: "leakage.repeated-use",
  outcome: look === undefined ? "not-run" : look.correctedFor === 1 ? "clear" : "noted",
  columns: [],
  expected: "one model judged on these test rows",
  found:
    look === undefined
      ? "no ledger to ask"
      : look.correctedFor === 1
        ? "the first look"
        : `look ${look.number}, corrected for ${look.correctedFor}: "${look.justification ?? ""}"`,
  next:
    look?.correctedFor === 1
      ? "Nothing to do."
      : "Judge the next model on rows that nobody has seen.",
});
