/**
 * Lineage: where an artifact comes from, and what it was used for. Read from the records of runs:
 * which execution of a stage gave which output, and which other execution took it as its input.
 *
 * A run that reused an output is not an execution of its own: the one that was reused is shown, with
 * how often it was.
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Store, type StoreError } from "./Store.ts";
import type { LineageStore, ValuePlace } from "./store/lineage.ts";

const Place = Schema.Struct({
  run: Schema.String,
  stage: Schema.String,
  /** Empty for the only output of a stage. */
  port: Schema.String,
});

/** A file that a value refers to: an artifact, or a source outside the state folder (`path`). */
export const LineageFile = Schema.Struct({
  digest: Schema.String,
  bytes: Schema.Int,
  mediaType: Schema.optionalKey(Schema.String),
  path: Schema.optionalKey(Schema.String),
});
/** See {@link LineageFile}. */
export type LineageFile = typeof LineageFile.Type;

/** One output of one execution. */
export const LineageValue = Schema.Struct({
  ...Place.fields,
  files: Schema.Array(LineageFile),
  /** `name@3`, if it is a release. */
  release: Schema.optionalKey(Schema.String),
});
/** See {@link LineageValue}. */
export type LineageValue = typeof LineageValue.Type;

/** One execution of a stage. */
export const LineageStage = Schema.Struct({
  run: Schema.String,
  stage: Schema.String,
  /** Absent if the run is not recorded any more. */
  pipeline: Schema.optionalKey(Schema.String),
  startedAt: Schema.optionalKey(Schema.String),
  /** What it reads beside its inputs, such as a source file and its digest. */
  reads: Schema.Json,
  /** How many other runs reused its output. */
  reusedBy: Schema.Int,
  /** `true`: it ended early with what it had, because its run was interrupted. */
  stoppedEarly: Schema.optionalKey(Schema.Boolean),
  /** The report of the run, if it was written. */
  report: Schema.optionalKey(Schema.String),
});
/** See {@link LineageStage}. */
export type LineageStage = typeof LineageStage.Type;

/** A value that an execution took as an input. */
export const LineageUse = Schema.Struct({ from: Place, by: Place });
/** See {@link LineageUse}. */
export type LineageUse = typeof LineageUse.Type;

/** What came before or after some values, as a graph: each execution and each value once. */
export const Lineage = Schema.Struct({
  direction: Schema.Literals(["up", "down"]),
  /** Where it starts: usually one value; several if executions gave the same file. */
  roots: Schema.Array(Place),
  values: Schema.Array(LineageValue),
  stages: Schema.Array(LineageStage),
  uses: Schema.Array(LineageUse),
});
/** See {@link Lineage}. */
export type Lineage = typeof Lineage.Type;

/** There is no such artifact, or more than one that is meant. */
export class ArtifactUnknown extends Schema.TaggedError<ArtifactUnknown>()("ArtifactUnknown", {
  wanted: Schema.String,
  /** Those that it may be; empty if there is none. */
  candidates: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const { wanted, candidates } = this;
    return candidates.length > 0
      ? `"${wanted}" may be ${candidates.slice(0, 9).join(" or ")}${candidates.length > 9 ? " …" : ""}. Name one of them`
      : `nothing recorded is "${wanted}". Name a digest or the beginning of one, a file in artifacts/, RUN/STAGE or RUN/STAGE.PORT, or a release such as name@1; \`ml-pipe status --json\` shows the outputs of the newest run`;
  }
}

/**
 * The values that a person means: by a digest or its unambiguous beginning, a path inside `artifacts/`,
 * `RUN/STAGE` or `RUN/STAGE.PORT` (the beginning of a run's id is enough), or a release `name@3`.
 *
 * @example
 * ```ts
 * import { Lineage, Store } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const sources = Effect.flatMap(Lineage.find("20261124-135433/train"), (roots) =>
 *   Lineage.trace(roots, "up"),
 * ).pipe(Effect.provide(Store.Store.layer(".ml-pipe")));
 * ```
 */
export const find = Effect.fnUntraced(function* (
  wanted: string,
): Effect.fn.Return<ReadonlyArray<ValuePlace>, ArtifactUnknown | StoreError, Store> {
  const { lineage, run } = yield* Store;
  const unknown = (candidates: ReadonlyArray<string> = []) =>
    new ArtifactUnknown({ wanted, candidates });
  const inFolder = /(?:^|[\\/])artifacts[\\/][0-9a-f]{2}[\\/]([0-9a-f]{64})$/.exec(wanted)?.[1];
  const beginning = inFolder ?? wanted;
  if (/^(?:sha256-[0-9a-f]*|[0-9a-f]{4,64})$/.test(beginning)) {
    const [digest, ...others] = yield* lineage.digests(beginning);
    if (digest !== undefined && others.length === 0) {
      const holders = yield* lineage.holders(digest);
      return yield* makers(lineage, holders);
    }
    if (digest !== undefined) return yield* unknown([digest, ...others]);
  }
  if (wanted.includes("@")) {
    const found = yield* lineage.released(wanted);
    if (found.length > 0) return found;
  }
  // The name of a stage may have slashes and dots of its own.
  const [id = "", ...rest] = wanted.split("/");
  if (rest.length === 0) return yield* unknown();
  const found = yield* run(id);
  if (found._tag === "None") return yield* unknown();
  const name = rest.join("/");
  const stages = found.value.stages.map(({ stage }) => stage);
  const stage = stages.includes(name) ? name : stages.find((other) => name.startsWith(`${other}.`));
  if (stage === undefined) return yield* unknown(stages.map((other) => `${id}/${other}`));
  const executedBy = (yield* lineage.executedBy(found.value.id, stage)) ?? found.value.id;
  const outputs = yield* lineage.outputs(executedBy, stage);
  const port = stage === name ? undefined : name.slice(stage.length + 1);
  const wantedOutputs = outputs.filter((one) => port === undefined || one.port === port);
  if (wantedOutputs.length === 0) {
    return yield* unknown(outputs.map((one) => nameOf({ run: id, stage, port: one.port })));
  }
  return wantedOutputs.map((one) => ({ run: executedBy, stage, port: one.port }));
});

/** Of the outputs that refer to a file, those of the executions that did not get it as an input. */
const makers = Effect.fnUntraced(function* (
  lineage: LineageStore,
  holders: ReadonlyArray<ValuePlace>,
): Effect.fn.Return<ReadonlyArray<ValuePlace>, StoreError> {
  const keys = new Set(holders.map(keyOf));
  const made: Array<ValuePlace> = [];
  for (const holder of holders) {
    const inputs = yield* lineage.inputs(holder.run, holder.stage);
    if (!inputs.some(({ from }) => keys.has(keyOf(from)))) made.push(holder);
  }
  return made.length > 0 ? made : holders;
});

/**
 * Everything before (`up`) or after (`down`) some values. Each execution is visited once, however many
 * ways lead to it.
 *
 * @example
 * ```ts
 * import { Lineage } from "@ml-pipe/core";
 *
 * const usersOf = (run: string) => Lineage.trace([{ run, stage: "train", port: "" }], "down");
 * ```
 */
export const trace = Effect.fnUntraced(function* (
  roots: ReadonlyArray<ValuePlace>,
  direction: Lineage["direction"],
): Effect.fn.Return<Lineage, StoreError, Store> {
  const { lineage } = yield* Store;
  yield* lineage.update;
  const values = new Map<string, LineageValue>();
  const stages = new Map<string, LineageStage>();
  const uses: Array<LineageUse> = [];
  const waiting: Array<ValuePlace> = [...roots];

  const visitStage = Effect.fnUntraced(function* (run: string, stage: string) {
    const id = `${run}/${stage}`;
    if (stages.has(id)) return false;
    const found = yield* lineage.execution(run, stage);
    stages.set(id, found ?? { run, stage, reads: null, reusedBy: 0 });
    return true;
  });

  // It grows while it is walked.
  for (const place of waiting) {
    const { run, stage, port } = place;
    if (values.has(keyOf(place))) continue;
    const ports = yield* lineage.outputs(run, stage);
    const release = ports.find((one) => one.port === port)?.release;
    const files = yield* lineage.files(place);
    const named = release === undefined ? {} : { release };
    values.set(keyOf(place), { run, stage, port, files, ...named });
    if (direction === "up") {
      if (!(yield* visitStage(run, stage))) continue;
      for (const use of yield* lineage.inputs(run, stage)) {
        uses.push(use);
        waiting.push(use.from);
      }
      continue;
    }
    for (const use of yield* lineage.users(place)) {
      uses.push(use);
      if (!(yield* visitStage(use.by.run, use.by.stage))) continue;
      for (const output of yield* lineage.outputs(use.by.run, use.by.stage)) {
        waiting.push({ run: use.by.run, stage: use.by.stage, port: output.port });
      }
    }
  }
  return {
    direction,
    roots,
    values: [...values.values()],
    stages: [...stages.values()],
    uses,
  };
});

/** `RUN/STAGE` or `RUN/STAGE.PORT`: how a value is named in commands. */
export const nameOf = ({ run, stage, port }: ValuePlace): string =>
  `${run}/${stage}${port === "" ? "" : `.${port}`}`;

const keyOf = ({ run, stage, port }: ValuePlace): string => JSON.stringify([run, stage, port]);
