/**
 * Releases: a model that passed its gates, with all that is needed to serve it: the feature set, the
 * state of its histories, the decision threshold and the signature of requests.
 */
import { Artifact, Contract, Digest, Metric, Verdict } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import type { FeatureSet } from "./FeatureSet.ts";
import { AnyModel } from "./Model.ts";
import { number } from "./Words.ts";

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

/** Any release, as it is stored in a registry. */
export const AnyRelease = Schema.Struct({
  /** Name of the pipeline that made it. */
  name: Schema.String,
  /** 1, 2, 3 … within a name. */
  version: Schema.Int.check(Schema.isGreaterThan(0)),
  model: AnyModel,
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
  /** For a yes/no label: the probability from which acting costs less than not acting. */
  threshold: Schema.optionalKey(Schema.Finite),
  /** For a class: what each choice costs, by which the cheapest is taken. */
  classCosts: Schema.optionalKey(Metric.ClassCosts),
  /** State of the feature set's histories when the release was made. */
  histories: Artifact.Artifact,
  /** Instant up to which outcomes were known to the histories. */
  knownUntil: Schema.DateFromString,
  releasedAt: Schema.DateFromString,
});
/** See {@link AnyRelease}. */
export type AnyRelease = typeof AnyRelease.Type;

/** A release of a model of the feature set whose table is under contract `C`. */
export interface Release<out C extends Contract.Contract = Contract.Contract> extends AnyRelease {
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
  const isThis = (release: AnyRelease): release is Release<Out> =>
    release.model.featureSet.digest === set.digest;
  return AnyRelease.pipe(
    Schema.refine(isThis, {
      title: `Release<${set.spec.name}>`,
      expected: `a release of a model of the feature set ${set.spec.name} ${set.spec.version}`,
      ...Contract.annotationsOf(set.contract),
    }),
  );
};

/**
 * The probability from which a release of yes/no decisions acts. One of another label is a defect: stages
 * take none, by type.
 */
export const thresholdOf = (release: AnyRelease): number => {
  if (release.threshold !== undefined) return release.threshold;
  throw new TypeError(`${label(release)} does not decide yes or no`);
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
export const policy = ({
  threshold,
  classCosts,
}: Pick<AnyRelease, "threshold" | "classCosts">): string => {
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
