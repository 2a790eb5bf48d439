/** `ml-pipe why RELEASE`: the chain of evidence from a release back to the source files. */
import * as path from "node:path";
import { Artifact, Digest, Lineage, Provenance, Store, Verdict } from "@ml-pipe/core";
import { Release } from "@ml-pipe/data";
import { Registry } from "@ml-pipe/deploy";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { existsSync } from "node:fs";
import { provenanceJson, provenanceText } from "../view/provenance.ts";
import { instant, shortPath } from "../view/text.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `why` was asked for. */
export interface WhyOptions {
  readonly stateFolder: string;
  readonly release: string;
  readonly json: boolean;
}

/** Runs the command; the result is its exit code. */
export const why = (options: WhyOptions, context: CommandContext): Promise<number> =>
  runCommand(context, explain(options, context));

const explain = (
  { stateFolder, release: reference, json }: WhyOptions,
  { terminal: { out, style } }: CommandContext,
) =>
  Effect.gen(function* () {
    const registry = yield* Registry.Registry;
    // Verifies the file against its own digest, and the verdict against its evidence.
    const release = yield* registry.get(reference);
    const label = Release.label(release);
    const recorded = existsSync(path.join(stateFolder, "ml-pipe.sqlite"))
      ? yield* behind(release).pipe(
          Effect.provide(Store.Store.layer(stateFolder)),
          Effect.provide(Artifact.ArtifactStore.layer(stateFolder)),
        )
      : [notRecorded(label)];
    const file = path.join(stateFolder, "releases", release.name, `${release.version}.json`);
    const links = [...linksOf(release, shortPath(path.resolve(file))), ...recorded];
    const intact = links.every(({ state }) => state === "intact");
    const found = { about: label, intact, links };
    out(json ? provenanceJson(found) : provenanceText(found, style));
    return intact ? ExitCode.succeeded : ExitCode.failed;
  }).pipe(Effect.provide(Registry.Registry.layer(stateFolder)));

/** What the release says itself. */
const linksOf = (release: Release.AnyRelease, file: string): ReadonlyArray<Provenance.Link> => {
  const { approval, verdict } = release;
  const intact = "intact" as const;
  const given =
    approval === undefined
      ? []
      : [
          {
            kind: "approval" as const,
            name: approval.gate,
            ...approvalState(approval, verdict),
            digest: approval.evidence,
            facts: [
              `approved by ${approval.approver} at ${instant(approval.at)}: ${approval.reason}`,
              `counted until ${instant(approval.expiresAt)}`,
              approval.author === undefined
                ? "who started the run is not known"
                : `the run was started by ${approval.author}`,
            ],
          },
        ];
  return [
    {
      kind: "release",
      name: Release.label(release),
      state: intact,
      facts: [
        file,
        `released ${instant(release.releasedAt)}, ${Release.policy(release)}: ${release.decision}`,
      ],
    },
    ...given,
    {
      kind: "verdict",
      name: verdict.status,
      state: intact,
      digest: verdict.digest,
      facts: verdict.evidence.map(
        ({ gate, outcome, expected, found }) =>
          `${gate} ${outcome}: found ${found} (expected ${expected})`,
      ),
    },
    { kind: "model", state: intact, ...modelOf(release) },
  ];
};

/** What answers: a model of features, or the sources of a system. */
const modelOf = (
  release: Release.AnyRelease,
): Pick<Provenance.Link, "name" | "digest" | "facts"> => {
  const trained = ({ rows, table }: { readonly rows: number; readonly table: string }) =>
    `trained on ${rows} rows of ${table.slice(0, 19)}`;
  if (Release.isSystem(release)) {
    const { spec, digest, sources, trainedOn } = release.system;
    const kinds = sources.map(({ kind }) => kind).join(", ");
    return { name: spec.name, digest, facts: [`a system of ${kinds}, ${trained(trainedOn)}`] };
  }
  const { kind, document, featureSet, trainedOn } = release.model;
  return {
    name: kind,
    digest: document.digest,
    facts: [`features ${featureSet.name}, ${trained(trainedOn)}`],
  };
};

const encodeVerdict = Schema.encodeSync(Schema.toCodecJson(Verdict.Verdict));

const approvalState = (
  { evidence, approver, author }: Release.ReleaseApproval,
  verdict: Verdict.Verdict,
): Pick<Provenance.Link, "state" | "problem"> => {
  if (evidence !== Digest.ofJson(encodeVerdict(verdict))) {
    return { state: "broken", problem: "it was given on another verdict than that of the release" };
  }
  return approver === author
    ? { state: "broken", problem: `${approver} started the run and approved it too` }
    : { state: "intact" };
};

const encodeRelease = Schema.encodeSync(Schema.toCodecJson(Release.AnyRelease));

/** What the runs say that made it. */
const behind = Effect.fnUntraced(function* (release: Release.AnyRelease) {
  const { lineage, run } = yield* Store.Store;
  const label = Release.label(release);
  const places = yield* lineage.released(label);
  // Where it was published again, the run that made it first.
  const [place] = places.toSorted((a, b) => (a.run < b.run ? -1 : 1));
  if (place === undefined) return [notRecorded(label)];
  const made = Option.getOrUndefined(yield* run(place.run));
  const output = made?.stages.find(({ stage }) => stage === place.stage)?.outputs?.[place.port];
  const links = yield* Provenance.linksBehind([place]);
  const same = Digest.ofJson(output ?? null) === Digest.ofJson(encodeRelease(release));
  const given = yield* approvalIn(release);
  if (same) return [...given, ...links];
  const other: Provenance.Link = {
    kind: "release",
    name: Lineage.nameOf(place),
    state: "broken",
    facts: [],
    problem: `this stage is recorded to have made another ${label} than the one in the registry`,
  };
  return [...given, other, ...links];
});

/** The word that the release names must be in the record of approvals. */
const approvalIn = Effect.fnUntraced(function* ({ name, approval }: Release.AnyRelease) {
  if (approval === undefined) return [];
  const { approvals, runs } = yield* Store.Store;
  const pipelines = new Set([name, ...(yield* runs(-1)).map(({ pipeline }) => pipeline)]);
  const words = yield* Effect.forEach(pipelines, (one) => approvals.at(one, approval.gate));
  const isRecorded = words
    .flat()
    .some(
      ({ approver, evidence, decision, at }) =>
        approver === approval.approver &&
        evidence === approval.evidence &&
        decision === "approve" &&
        at.getTime() === approval.at.getTime(),
    );
  const missing: Provenance.Link = {
    kind: "approval",
    name: `${approval.gate}, as recorded`,
    state: "missing",
    digest: approval.evidence,
    facts: [],
    problem: `no such word of ${approval.approver} is recorded`,
  };
  return isRecorded ? [] : [missing];
});

const notRecorded = (label: string): Provenance.Link => ({
  kind: "stage",
  name: label,
  state: "missing",
  facts: [],
  problem: "no run that made it is recorded any more: what it was made from is not known",
});
