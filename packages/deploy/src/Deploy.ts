/**
 * The stage that releases a model: only one whose verdict passed, under the charter it was judged by,
 * and with the state that its features need online.
 */
import {
  type Approval,
  Artifact,
  Charter,
  type Contract,
  Digest,
  type Metric,
  Stage,
  Verdict,
} from "@ml-pipe/core";
import {
  Cost,
  type Duckdb,
  Features,
  FeatureSet,
  Lookup,
  Model,
  Release,
  Table,
} from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as Predictor from "./Predictor.ts";
import {
  approversOf,
  type OtherCharter,
  requireApproval,
  requireName,
  requirePermitted,
} from "./internal/permission.ts";
import { Registry, type RegistryError, type ReleaseCorrupt } from "./Registry.ts";
import * as ServedFeatures from "./ServedFeatures.ts";

export { OtherCharter } from "./internal/permission.ts";
export { released, type ReleasedStage } from "./Released.ts";
export {
  NameInexact,
  NobodyListed,
  ServedOtherwise,
  system,
  type SystemError,
  type SystemInputs,
  type SystemOptions,
  type SystemStage,
  UnjudgedLists,
} from "./DeploySystem.ts";
export { FeatureEdited } from "./ServedFeatures.ts";

/** The verdict is on another model than the one to release: nobody judged this one. */
export class UnevaluatedModel extends Schema.TaggedError<UnevaluatedModel>()("UnevaluatedModel", {
  model: Digest.Digest,
  judged: Digest.Digest,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    return `the model ${this.model.slice(0, 19)} was not evaluated: the verdict is on the model ${this.judged.slice(0, 19)}. Wire deploy and evaluate to the same model.`;
  }
}

/** How a model is released. */
export interface ReleaseOptions<M extends Metric.Metric = Metric.Metric> {
  readonly charter: Charter.Charter<M>;
  /** Name of the release. Default: the feature set's name. */
  readonly name?: string;
  /**
   * When the release goes live: up to here histories and lookups take in what was known by then. A
   * date (midnight UTC) or an ISO 8601 instant with a zone. It is stated, not taken from the clock, so
   * that a replay over recorded data sees no later outcome.
   */
  readonly knownUntil: string;
  /**
   * `required`: the stage takes an approval of the verdict too, from a gate made with
   * `Stage.approval`, and releases nothing without one that counts. Only the charter's approvers may
   * give it.
   */
  readonly approval?: "required";
}

/**
 * What is released: a model, the verdict that it passed, the rows that its histories need, and the tables
 * that its features look up in, by the names of the lookups.
 */
export type ReleaseInputs<
  C extends Contract.Contract,
  Out extends Contract.Contract,
  Ls extends Lookup.Lookups = {},
> = {
  readonly model: Model.Model<Out>;
  readonly verdict: Verdict.Verdict<"passed">;
  readonly history: Table.Table<C, "checked">;
} & Lookup.Tables<Ls>;

/** The same where {@link ReleaseOptions.approval} is required. */
export type ApprovedInputs<
  C extends Contract.Contract,
  Out extends Contract.Contract,
  Ls extends Lookup.Lookups = {},
> = ReleaseInputs<C, Out, Ls> & {
  /** A person's word on this verdict. */
  readonly approval: Stage.Approved<unknown>;
};

/** What a release can fail with. */
export type ReleaseError =
  | UnevaluatedModel
  | OtherCharter
  | ServedFeatures.FeatureEdited
  | Verdict.GateClosed
  | Charter.CharterExpired
  | Duckdb.DuckdbError
  | Table.ReadError
  | Predictor.LoadError
  | RegistryError
  | ReleaseCorrupt;

/** The services that a release needs. */
export type ReleaseNeeds = Duckdb.Duckdb | Artifact.ArtifactStore | Registry;

/** A stage that releases on a passed verdict. */
export type ReleaseStage<
  C extends Contract.Contract,
  Out extends Contract.Contract,
  Ls extends Lookup.Lookups = {},
> = Stage.Stage<ReleaseInputs<C, Out, Ls>, Release.Release<Out>, {}, ReleaseError, ReleaseNeeds>;

/** A stage that releases on a passed verdict and a person's approval of it. */
export type ApprovedStage<
  C extends Contract.Contract,
  Out extends Contract.Contract,
  Ls extends Lookup.Lookups = {},
> = Stage.Stage<
  ApprovedInputs<C, Out, Ls>,
  Release.Release<Out>,
  {},
  ReleaseError | Approval.ApprovalVoid,
  ReleaseNeeds
>;

/**
 * A stage that releases a model of a feature set into the {@link Registry}. Takes a passed verdict
 * only, by type; checks again when it runs that the verdict is on this model and under this charter,
 * and that the charter has not ended. Running it again with the same inputs releases nothing new. Refuses
 * a feature set that means something else than one of its name and version that was released
 * ({@link FeatureEdited}): the running service would be asked one thing and have learned another.
 *
 * With `approval: "required"` it takes a person's approval too, and checks when it runs that it is one
 * of exactly this verdict, by one of the charter's approvers who did not start the run, and that it has
 * not expired: {@link Approval.ApprovalVoid} otherwise. The release records who approved it and why.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Deploy } from "@ml-pipe/deploy";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 *   charter: Charter.Charter<Metric.DecisionMetric>,
 * ) => Deploy.release(set, { charter, name: "flight-delay", knownUntil: "2001-06-01" });
 * ```
 */
export function release<
  C extends Contract.Contract,
  Out extends FeatureSet.Labelled<FeatureSet.LabelFor<M>>,
  M extends Metric.Metric,
  Ls extends Lookup.Lookups = {},
>(
  set: FeatureSet.FeatureSet<C, Out, Ls>,
  options: ReleaseOptions<M> & { readonly approval: "required" },
): ApprovedStage<C, Out, Ls>;
export function release<
  C extends Contract.Contract,
  Out extends FeatureSet.Labelled<FeatureSet.LabelFor<M>>,
  M extends Metric.Metric,
  Ls extends Lookup.Lookups = {},
>(
  set: FeatureSet.FeatureSet<C, Out, Ls>,
  options: ReleaseOptions<M> & { readonly approval?: never },
): ReleaseStage<C, Out, Ls>;
export function release<
  C extends Contract.Contract,
  Out extends FeatureSet.Labelled,
  Ls extends Lookup.Lookups,
>(
  set: FeatureSet.FeatureSet<C, Out, Ls>,
  options: ReleaseOptions,
): ReleaseStage<C, Out, Ls> | ApprovedStage<C, Out, Ls> {
  const { charter, name = set.spec.name } = options;
  requireName(name);
  const approvers = approversOf(charter, options.approval);
  const knownUntil = instantOf(options.knownUntil);
  const policy = policyOf(charter, set.spec);
  const publish = Effect.fnUntraced(function* (
    { model, verdict, history, ...lookups }: ReleaseInputs<C, Out, Ls>,
    { progress, exhibit }: Stage.StageContext<{}>,
    approval?: Release.ReleaseApproval,
  ) {
    const now = new Date(yield* Clock.currentTimeMillis);
    if (verdict.model !== model.document.digest) {
      return yield* new UnevaluatedModel({ model: model.document.digest, judged: verdict.model });
    }
    yield* requirePermitted(verdict, charter, now);
    const [edited] = yield* ServedFeatures.edited(set);
    if (edited !== undefined) return yield* edited;
    yield* progress({ label: "reading the state of the features", rows: history.rows });
    const artifacts = yield* Artifact.ArtifactStore;
    const { transform } = yield* Model.load(model);
    const request = requestOf(name, set.spec, FeatureSet.requestColumns(set.spec, transform));
    const states = yield* Features.stateAt(set.spec, history, knownUntil, lookups);
    const histories = yield* artifacts.putJson(states);
    const candidate = {
      name,
      model,
      verdict,
      ...(approval === undefined ? {} : { approval }),
      charter: charter.digest,
      owner: charter.spec.owner,
      request,
      decision: charter.spec.decision.question,
      ...policy,
      histories,
      knownUntil,
      releasedAt: now,
    };
    // What cannot be loaded is not released.
    yield* Effect.scoped(Predictor.load({ ...candidate, version: 1 }));
    const registry = yield* Registry;
    const { version, releasedAt } = yield* registry.publish(candidate);
    const released = { ...candidate, version, releasedAt };
    yield* exhibit({
      _tag: "table",
      title: `Release ${Release.label(released)}`,
      columns: ["what", "value"],
      rows: [
        ["decision", candidate.decision],
        ["answer", Release.policy(policy)],
        ["histories known until", knownUntil.toISOString()],
        ["a request carries", Object.keys(request.columns).join(", ")],
        ...(approval === undefined
          ? []
          : [["approved by", `${approval.approver}: ${approval.reason}`]]),
      ],
    });
    return released;
  });

  const input = {
    model: Model.of(set),
    verdict: Verdict.Passed,
    /** The rows that the histories are taken from. */
    history: Table.of(set.source, "checked"),
    ...Lookup.inputs(set.lookups),
  };
  const params = {
    name,
    featureSet: set.digest,
    charter: charter.digest,
    knownUntil: knownUntil.toISOString(),
    ...policy,
  };
  const common = {
    description: `releases the model as ${name}`,
    output: Release.of(set),
    cache: "never",
    charter,
  } as const;
  return approvers === undefined
    ? Stage.make("deploy", { ...common, input, params, run: publish })
    : Stage.make("deploy", {
        ...common,
        input: { ...input, approval: Stage.approved(Schema.Unknown) },
        params: { ...params, approvers },
        run: Effect.fnUntraced(function* (inputs, context) {
          const word = yield* requireApproval(inputs.approval, inputs.verdict, approvers);
          return yield* publish(inputs, context, word);
        }),
      });
}

/** The contract of a request: the columns that the model needs, each as the source defines it. */
const requestOf = (
  name: string,
  spec: FeatureSet.FeatureSetSpec,
  columns: ReadonlyArray<string>,
): Contract.ContractSpec => ({
  name: `${name}-request`,
  version: spec.version,
  owner: spec.source.owner,
  consumers: [],
  columns: Object.fromEntries(
    columns.flatMap((column) => {
      const found = spec.source.columns[column];
      return found === undefined ? [] : [[column, found] as const];
    }),
  ),
  ...(spec.decidedAt === undefined ? {} : { eventTime: spec.decidedAt }),
});

/**
 * What is made of what a model says, as the charter's metric has it. Throws where the metric is of another
 * label, or its costs need no model.
 */
const policyOf = (
  { spec }: Charter.Charter,
  features: FeatureSet.FeatureSetSpec,
): Pick<Release.ModelRelease, "threshold" | "classCosts"> => {
  const { metric } = spec;
  const kind = FeatureSet.labelKind(features);
  const invalid = (problems: string) => new Charter.CharterInvalid({ title: spec.title, problems });
  if ("costs" in metric && kind === "boolean") {
    const threshold = Cost.optimalThreshold({ ...metric.costs, unit: metric.unit });
    if (Result.isSuccess(threshold)) return { threshold: threshold.success };
    throw invalid(threshold.failure.message);
  }
  if ("classCosts" in metric && kind === "text") {
    const matrix = Cost.choiceMatrix(metric);
    if (Result.isSuccess(matrix)) return { classCosts: metric.classCosts };
    throw invalid(matrix.failure.message);
  }
  if ("error" in metric && kind === "number") return {};
  throw invalid(
    `the metric "${metric.name}" does not measure the label of "${features.name}" (${kind})`,
  );
};

const instantOf = (text: string): Date => {
  const instant = new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  const zoned = /^\d{4}-\d{2}-\d{2}(?:T.*(?:Z|[+-]\d{2}:\d{2}))?$/.test(text);
  if (!zoned || Number.isNaN(instant.getTime())) {
    throw new TypeError(
      `deploy: knownUntil is "${text}": write a date such as 2001-06-01, or an instant with a zone`,
    );
  }
  return instant;
};
