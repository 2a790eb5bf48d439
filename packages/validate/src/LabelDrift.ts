/** Label drift: whether the outcomes in one table are distributed as in another. */
import { type Artifact, type Contract, Stage } from "@ml-pipe/core";
import { Drift, DriftReport, Duckdb, Profile, Table, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type CheckedRole, type CompareError, Drifted } from "./Compare.ts";
import { driftFinding } from "./internal/driftTold.ts";
import { withExactKs } from "./internal/exactKs.ts";

/** Which tables {@link drift} compares, and how it judges. */
export interface LabelDriftOptions<
  C extends Contract.Contract,
  Reference extends CheckedRole,
  Current extends CheckedRole,
>
  extends DriftReport.Limit {
  readonly reference: Reference;
  readonly current: Current;
  /** Default: the contract's label. */
  readonly label?: keyof C["columns"] & string;
  /** With `fail` a label that drifted stops the run. Default `warn`. */
  readonly severity?: "fail" | "warn" | "info";
  /** Name of the stage. Default `labelDrift`. */
  readonly name?: string;
}

/**
 * A stage that holds the labels of one table against those of another, such as of `test` against `train`.
 * Rows without a label are left out of both, so that outcomes that are not known yet are no drift; how many
 * they are is told.
 *
 * Numbers are compared by the Kolmogorov–Smirnov statistic of the rows, all else by bias-corrected Cramér's
 * V, both up to 0.15 (deepchecks' label drift). Numbers that are names of classes: name `cramers-v` as the
 * method. `wasserstein` tells how far numbers moved, in standard deviations of the reference.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Labels } from "@ml-pipe/validate";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1", owner: "fleet", label: "minutes",
 *   columns: { km: Column.float(), minutes: Column.float({ availableAt: "outcome" }) },
 * });
 * const drift = Labels.drift(Trip, { reference: "train", current: "test", method: "wasserstein" });
 * ```
 */
export const drift = <
  C extends Contract.Contract,
  const Reference extends CheckedRole,
  const Current extends CheckedRole,
>(
  contract: C,
  options: LabelDriftOptions<C, Reference, Current>,
): Stage.Stage<
  {
    readonly reference: Table.Table<C, Reference>;
    readonly current: Table.Table<C, Current>;
  },
  DriftReport.DriftReport,
  {},
  CompareError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> => {
  const { reference, current, severity = "warn", name = "labelDrift" } = options;
  const { label, limit } = judgedBy(contract, options);
  return Stage.make(name, {
    description: `compares the ${label} of the ${current} with the ${reference} table under ${contract.name}`,
    input: { reference: Table.of(contract, reference), current: Table.of(contract, current) },
    output: DriftReport.DriftReport,
    params: { contract: contract.digest, label, ...limit, severity },
    run: Effect.fnUntraced(function* (input, { exhibit, finding, progress }) {
      const { owner } = contract.spec;
      yield* progress({ label: "compare labels", rows: input.reference.rows + input.current.rows });
      const before = labelled(label, yield* Table.relation(input.reference));
      const now = labelled(label, yield* Table.relation(input.current));
      const [was, is] = [yield* Profile.of(before), yield* Profile.of(now)];
      const report = yield* withExactKs(DriftReport.between(was, is, limit), { before, now });
      yield* Effect.forEach(DriftReport.exhibits(report, was, is), exhibit);
      const unlabelled = input.current.rows - report.rows;
      if (unlabelled > 0) {
        yield* finding({
          check: "labels.missing",
          severity: "info",
          column: label,
          owner,
          expected: `a ${label} in every row of the ${current} table`,
          found: `${Words.counted(unlabelled, "row")} of ${Words.whole(input.current.rows)} without one, left out`,
          rows: unlabelled,
          next: "Find out whether they are missing at random: if not, the labels that are there mislead.",
        });
      }
      const drifted = report.columns.filter(({ outcome }) => outcome === "failed");
      for (const one of report.columns.filter(({ outcome }) => outcome !== "passed")) {
        yield* finding(driftFinding(one, { check: "labels.drift", severity, owner }));
      }
      if (severity === "fail" && drifted.length > 0) {
        return yield* new Drifted({ contract: contract.name, owner, columns: drifted });
      }
      return report;
    }),
  });
};

/** The label, and the limit it is held to. Throws a `TypeError` where they cannot be. */
const judgedBy = <C extends Contract.Contract>(
  { name, spec }: C,
  options: DriftReport.Limit & { readonly label?: string },
) => {
  const label = options.label ?? spec.label;
  const type = label === undefined ? undefined : spec.columns[label]?.type;
  if (label === undefined || type === undefined) {
    throw new TypeError(`label drift: "${name}" has no label: name the column`);
  }
  const number = type === "int" || type === "float";
  const method = options.method ?? (number ? "ks" : "cramers-v");
  if (!number && (method === "ks" || method === "wasserstein")) {
    throw new TypeError(`label drift: ${method} compares numbers, and "${label}" is none`);
  }
  const usual =
    method === "ks" || method === "cramers-v"
      ? Drift.defaultThresholds.label
      : DriftReport.usualLimit[method];
  const atMost = options.atMost ?? usual;
  if (!(atMost > 0 && Number.isFinite(atMost))) {
    throw new TypeError(`label drift: atMost is a positive distance, not ${atMost}`);
  }
  return { label, limit: { method, atMost } };
};

const labelled = (label: string, relation: string): string => {
  const column = Duckdb.identifier(label);
  return `(SELECT ${column} FROM ${relation} WHERE ${column} IS NOT NULL)`;
};
