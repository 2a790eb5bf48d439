/** What one run says about where its values come from, as rows: pure, so that it can be checked. */
import * as Schema from "effect/Schema";
import { Digest } from "../Digest.ts";

/** A stage of a run, as far as lineage needs it. */
export interface RecordedStage {
  readonly stage: string;
  /** The run that executed it, if this one only reused its output. */
  readonly reusedFrom?: string | undefined;
  /** Output as JSON, by port; absent if the stage gave none. */
  readonly outputs?: { readonly [port: string]: unknown } | undefined;
}

/** Where the inputs of a stage come from, by its graph. */
export interface RecordedNode {
  readonly name: string;
  readonly inputs: ReadonlyArray<{
    readonly name: string;
    readonly from: { readonly stage: string; readonly port: string };
  }>;
}

/** A file among the outputs of a stage. Without a media type, it is one outside the state folder. */
export interface FileRow {
  readonly stage: string;
  readonly port: string;
  readonly digest: string;
  readonly bytes: number;
  readonly mediaType?: string;
  readonly path?: string;
}

/** An input of a stage: the output of which execution it was. */
export interface UseRow {
  readonly stage: string;
  readonly port: string;
  readonly from: { readonly run: string; readonly stage: string; readonly port: string };
}

/** All rows of some stages of one run. */
export interface LineageRows {
  /** Every output of the stages that were executed; `release`: its name, if it is one. */
  readonly values: ReadonlyArray<{
    readonly stage: string;
    readonly port: string;
    readonly release?: string;
  }>;
  readonly files: ReadonlyArray<FileRow>;
  readonly uses: ReadonlyArray<UseRow>;
  /** Stages that reused the output of another run. */
  readonly reuses: ReadonlyArray<{ readonly stage: string; readonly from: string }>;
}

/**
 * The rows of the stages named in `wanted`. A stage that reused an output adds no execution; what it
 * handed on counts as the output of the run that executed it.
 */
export const lineageRows = (
  run: string,
  nodes: ReadonlyArray<RecordedNode>,
  stages: ReadonlyArray<RecordedStage>,
  wanted: ReadonlySet<string>,
): LineageRows => {
  const byName = new Map(stages.map((stage) => [stage.stage, stage]));
  const inputsOf = new Map(nodes.map(({ name, inputs }) => [name, inputs]));
  const values: Array<LineageRows["values"][number]> = [];
  const files: Array<FileRow> = [];
  const uses: Array<UseRow> = [];
  const reuses: Array<LineageRows["reuses"][number]> = [];
  for (const { stage, reusedFrom, outputs } of stages) {
    if (!wanted.has(stage) || outputs === undefined) continue;
    if (reusedFrom !== undefined) {
      reuses.push({ stage, from: reusedFrom });
      continue;
    }
    for (const [port, output] of Object.entries(outputs)) {
      const release = releaseLabel(output);
      values.push({ stage, port, ...(release === undefined ? {} : { release }) });
      for (const file of filesIn(output)) files.push({ stage, port, ...file });
    }
    for (const { name, from } of inputsOf.get(stage) ?? []) {
      const before = byName.get(from.stage);
      // The branch that was not taken gave nothing.
      if (before?.outputs === undefined) continue;
      uses.push({ stage, port: name, from: { ...from, run: before.reusedFrom ?? run } });
    }
  }
  return { values, files, uses, reuses };
};

/** `name@3` of a release: the one output that has a name, a number of its own and a verdict. */
export const releaseLabel = (output: unknown): string | undefined => {
  if (!isObject(output)) return undefined;
  const { name, version, verdict } = output;
  const numbered = typeof name === "string" && typeof version === "number";
  return numbered && isObject(verdict) ? `${name}@${version}` : undefined;
};

type File = Omit<FileRow, "stage" | "port">;

/**
 * A value with its files outside the state folder told by their content alone: where they lie does not
 * matter to what depends on them.
 */
export const withoutPaths = (value: Schema.Json): Schema.Json => {
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) {
    const inside = value.map(withoutPaths);
    return inside.some((member, index) => member !== value[index]) ? inside : value;
  }
  const file = fileOf(value);
  if (file?.path !== undefined) return { digest: file.digest, bytes: file.bytes };
  const members = Object.entries(value).map(
    ([key, member]) => [key, withoutPaths(member)] as const,
  );
  return members.some(([key, member]) => member !== value[key])
    ? Object.fromEntries(members)
    : value;
};

const isList = (value: Schema.JsonObject | Schema.JsonArray): value is Schema.JsonArray =>
  Array.isArray(value);

/** Every artifact and source file that a JSON value refers to, each once. */
export const filesIn = (output: unknown): ReadonlyArray<File> => {
  const found = new Map<string, File>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (!isObject(value)) return;
    const file = fileOf(value);
    if (file === undefined) return Object.values(value).forEach(visit);
    found.set(`${file.digest} ${file.path ?? ""}`, file);
  };
  visit(output);
  return [...found.values()];
};

const isDigest = Schema.is(Digest);

const fileOf = ({ digest, bytes, mediaType, path }: JsonObject): File | undefined => {
  if (typeof digest !== "string" || typeof bytes !== "number" || !isDigest(digest)) {
    return undefined;
  }
  if (typeof mediaType === "string") return { digest, bytes, mediaType };
  return typeof path === "string" ? { digest, bytes, path } : undefined;
};

interface JsonObject {
  readonly [key: string]: unknown;
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
