/**
 * Provenance: the chain of evidence behind a value, link by link, each verified: that records are as
 * they were written, that each stage took what the stage before it gave, that artifacts and source
 * files are there, bit for bit.
 */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import type { ArtifactStore } from "./Artifact.ts";
import {
  charterLink,
  contractLinks,
  fileLink,
  filesOf,
  missingStage,
  stageLink,
} from "./internal/provenanceLinks.ts";
import { trace } from "./Lineage.ts";
import type { Run } from "./Run.ts";
import { Store, type StoreError } from "./Store.ts";
import type { ValuePlace } from "./store/lineage.ts";

/**
 * `broken`: it is there and not what was recorded; `missing`: it is not there any more, or was never
 * recorded.
 */
export const Link = Schema.Struct({
  kind: Schema.Literals([
    "release",
    "approval",
    "verdict",
    "model",
    "stage",
    "artifact",
    "source",
    "charter",
    "contract",
  ]),
  name: Schema.String,
  state: Schema.Literals(["intact", "broken", "missing"]),
  digest: Schema.optionalKey(Schema.String),
  /** What is known of it, in words. */
  facts: Schema.Array(Schema.String),
  /** What is wrong, and what to do. */
  problem: Schema.optionalKey(Schema.String),
});
/** See {@link Link}. */
export type Link = typeof Link.Type;

/** The chain of evidence behind something. */
export const Provenance = Schema.Struct({
  about: Schema.String,
  /** Every link is. */
  intact: Schema.Boolean,
  /** From the thing itself back to what it was made from. */
  links: Schema.Array(Link),
});
/** See {@link Provenance}. */
export type Provenance = typeof Provenance.Type;

/**
 * The links behind some outputs, from the stage that gave them back to the source files, then the
 * charters and contracts that they were made under.
 *
 * @example
 * ```ts
 * import { Artifact, Lineage, Provenance, Store } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const isIntact = Effect.flatMap(Lineage.find("20261124-135433/train"), Provenance.linksBehind).pipe(
 *   Effect.map((links) => links.every(({ state }) => state === "intact")),
 *   Effect.provide(Store.Store.layer(".ml-pipe")),
 *   Effect.provide(Artifact.ArtifactStore.layer(".ml-pipe")),
 * );
 * ```
 */
export const linksBehind = Effect.fnUntraced(function* (
  roots: ReadonlyArray<ValuePlace>,
): Effect.fn.Return<ReadonlyArray<Link>, StoreError, Store | ArtifactStore> {
  const store = yield* Store;
  const { stages, uses } = yield* trace(roots, "up");
  const runs = new Map<string, Run>();
  for (const id of new Set(stages.map(({ run }) => run))) {
    const run = Option.getOrUndefined(yield* store.run(id));
    if (run?.id === id) runs.set(id, run);
  }
  const executions = stages
    .map(({ run: id, stage }) => {
      const run = runs.get(id);
      const record = run?.stages.find((one) => one.stage === stage);
      const place = run?.graph.stages.findIndex(({ name }) => name === stage) ?? -1;
      return { id, stage, run, record, place, files: record === undefined ? [] : filesOf(record) };
    })
    // The last of the graph first. What is not recorded any more comes last.
    .toSorted((a, b) => b.place - a.place);
  // A file is shown with the stage that made it, not with those that handed it on.
  const makers = new Map<string, string>();
  for (const { id, stage, files } of executions) {
    for (const { digest } of files) makers.set(digest, `${id}/${stage}`);
  }
  const links: Array<Link> = [];
  for (const { id, stage, run, record, files } of executions) {
    if (run === undefined || record === undefined) {
      links.push(missingStage(id, stage));
      continue;
    }
    const inputs = uses.filter(({ by }) => by.run === id && by.stage === stage);
    links.push(stageLink(run, record, inputs, runs));
    for (const file of files) {
      if (makers.get(file.digest) === `${id}/${stage}`) links.push(yield* fileLink(stage, file));
    }
  }
  for (const run of runs.values()) {
    const visited = executions.filter(({ id }) => id === run.id).map(({ stage }) => stage);
    links.push(charterLink(run), ...contractLinks(run, new Set(visited)));
  }
  const keyOf = ({ kind, name, digest, state }: Link) =>
    JSON.stringify([kind, name, digest, state]);
  return [...new Map(links.map((link) => [keyOf(link), link])).values()];
});
