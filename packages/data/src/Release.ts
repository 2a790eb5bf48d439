/**
 * Releases: what passed its gates, with all that is needed to serve it. Of a model: the feature set, the state of
 * its histories, the decision threshold. Of a system that recommends: its rules and what its sources have learnt.
 * Of both: the signature of requests.
 */
import { Artifact, Contract, Digest, Metric, Verdict } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { FeatureSet } from "./FeatureSet.ts";
import { AnyModel } from "./Model.ts";
import { ServedSystem } from "./recommend/ServedSystem.ts";
import { counted, number } from "./Words.ts";

/** A person's word that a release was made on. */
export const ReleaseApproval = Schema.Struct({
  /** The stage of the pipeline that asked. */
  gate: Schema.String,
  approver: Schema.String,
  /** Who had started the run, if that is known. */
  author: Schema.optionalKey(Schema.String),
  reason: Schema.String,
  at: Schema.DateFromString,
  expiresAt: Schema.DateFromString,
  /** Digest of the verdict that was approved. */
  evidence: Digest.Digest,
});
/** See {@link ReleaseApproval}. */
export type ReleaseApproval = typeof ReleaseApproval.Type;

/** What every release says. */
const common = {
  /** Name of the pipeline that made it. */
  name: Schema.String,
  /** 1, 2, 3 … within a name. */
  version: Schema.Int.check(Schema.isGreaterThan(0)),
  verdict: Verdict.Verdict,
  /** Present if the release was made only with a person's approval. */
  approval: Schema.optionalKey(ReleaseApproval),
  charter: Digest.Digest,
  /** The team that answers for it: the charter's owner. */
  owner: Schema.optionalKey(Schema.String),
  /** Columns of a request: what a caller must send. */
  request: Contract.ContractSpec,
  /** The charter's question. */
  decision: Schema.String,
  /** Instant up to which outcomes, or interactions, were known to it. */
  knownUntil: Schema.DateFromString,
  releasedAt: Schema.DateFromString,
};

/** A release of a model of a feature set. */
export const ModelRelease = Schema.Struct({
  ...common,
  model: AnyModel,
  /** For a yes/no label: the probability from which acting costs less than not acting. */
  threshold: Schema.optionalKey(Schema.Finite),
  /** For a class: what each choice costs, by which the cheapest is taken. */
  classCosts: Schema.optionalKey(Metric.ClassCosts),
  /** State of the feature set's histories and lookups when the release was made. */
  histories: Artifact.Artifact,
});
/** See {@link ModelRelease}. */
export type ModelRelease = typeof ModelRelease.Type;

/** A release of a system that answers with a list for each user. */
export const SystemRelease = Schema.Struct({
  ...common,
  system: ServedSystem,
  /** Digest of the lists that the verdict is on: those that the system made for the users of the train table. */
  lists: Digest.Digest,
});
/** See {@link SystemRelease}. */
export type SystemRelease = typeof SystemRelease.Type;

/** Any release, as it is stored in a registry. */
export const AnyRelease = Schema.Union([ModelRelease, SystemRelease]);
/** See {@link AnyRelease}. */
export type AnyRelease = typeof AnyRelease.Type;

/** What was asked for is of models, and the release is one of a system. */
export class NotAModel extends Schema.TaggedError<NotAModel>()("NotAModel", {
  release: Schema.String,
  system: Schema.String,
  /** What it would need, such as `features`. */
  needs: Schema.String,
}) {
  override get message(): string {
    return `${this.release} is a release of the system "${this.system}", which merges lists by rules and has no ${this.needs}. Name a release of a model; \`ml-pipe releases\` lists them.`;
  }
}

/**
 * The release, if it is one of a model.
 *
 * @example
 * ```ts
 * import { Model, Release } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const featuresOf = (release: Release.AnyRelease) =>
 *   Release.requireModel(release, "features").pipe(Effect.flatMap(({ model }) => Model.load(model)));
 * ```
 */
export const requireModel = (
  release: AnyRelease,
  needs: string,
): Effect.Effect<ModelRelease, NotAModel> =>
  isSystem(release)
    ? Effect.fail(
        new NotAModel({ release: label(release), system: release.system.spec.name, needs }),
      )
    : Effect.succeed(release);

/** Whether a release is one of a system. */
export const isSystem = (release: AnyRelease): release is SystemRelease => "system" in release;

/** A release of a model of the feature set whose table is under contract `C`. */
export interface Release<out C extends Contract.Contract = Contract.Contract> extends ModelRelease {
  readonly model: AnyModel & {
    readonly featureSet: AnyModel["featureSet"] & { readonly name: C["name"] };
  };
  /** Only for the compiler. */
  readonly "~contract"?: C;
}

/**
 * The schema of releases of models of a feature set: what monitoring names as its input. Refuses a
 * release of a model of another feature set, or of another version of it.
 *
 * @example
 * ```ts
 * import { type FeatureSet, Release } from "@ml-pipe/data";
 *
 * const schemaOf = (set: FeatureSet.FeatureSet) => Release.of(set);
 * ```
 */
export const of = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet<C, Out>,
): Schema.Codec<Release<Out>, unknown> => {
  const isThis = (release: ModelRelease): release is Release<Out> =>
    release.model.featureSet.digest === set.digest;
  return ModelRelease.pipe(
    Schema.refine(isThis, {
      title: `Release<${set.spec.name}>`,
      expected: `a release of a model of the feature set ${set.spec.name} ${set.spec.version}`,
      ...Contract.annotationsOf(set.contract),
    }),
  );
};

/**
 * What a release makes of what its model says, for a person.
 *
 * @example
 * ```ts
 * import { Release } from "@ml-pipe/data";
 *
 * const words: string = Release.policy({ threshold: 0.25 }); // acts from 0.25
 * ```
 */
export const policy = (
  release: Pick<ModelRelease, "threshold" | "classCosts"> | Pick<SystemRelease, "system">,
): string => {
  if ("system" in release) return `shows ${counted(release.system.spec.length, "item")}`;
  const { threshold, classCosts } = release;
  if (threshold !== undefined) return `acts from ${number(threshold)}`;
  return classCosts === undefined
    ? "gives a number"
    : `chooses among ${Metric.choicesOf({ classCosts }).join(", ")}`;
};

/**
 * How a release is named in commands and reports.
 *
 * @example
 * ```ts
 * import { Release } from "@ml-pipe/data";
 *
 * const label: string = Release.label({ name: "flight-delay", version: 3 }); // flight-delay@3
 * ```
 */
export const label = (release: Pick<AnyRelease, "name" | "version">): string =>
  `${release.name}@${release.version}`;
