/** What makes the definition of a stage valid. */
import * as ByteSize from "effect/ByteSize";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { canonicalJson } from "../Digest.ts";
import type { Resources, StageInfo } from "../stage/make.ts";

/** A definition that cannot work: thrown by `Stage.make`, where the throw points at the line. */
export class StageInvalid extends Schema.TaggedError<StageInvalid>()("StageInvalid", {
  stage: Schema.String,
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `stage "${this.stage}": ${this.problem}. ${this.next}`;
  }
}

/** What a stage needs of the machine, as authors write it. */
export interface Needs {
  readonly cores?: number | "all";
  readonly memory?: ByteSize.Input;
}

/** What a stage declares, with the usual where it declares nothing. */
export const resourcesOf = (stage: string, { cores = 1, memory = 0 }: Needs = {}): Resources => {
  const invalid = (problem: string) =>
    new StageInvalid({
      stage,
      problem,
      next: 'Ask for whole cores or "all", and for memory such as "2 GiB"',
    });
  if (cores !== "all" && !(Number.isInteger(cores) && cores >= 0)) {
    throw invalid(`it asks for ${cores} cores`);
  }
  const bytes = Option.flatMap(ByteSize.fromInput(memory), ByteSize.toNumber);
  if (Option.isNone(bytes)) throw invalid(`it asks for the memory ${String(memory)}`);
  return { cores, memoryBytes: bytes.value };
};

/** What a node of the graph has beside its named outputs. */
const reserved: ReadonlySet<string> = new Set(["signals", "source"]);

/** Throws {@link StageInvalid} for a stage that cannot be. */
export const checkDefinition = ({ name, inputs, output, params, signals }: StageInfo): void => {
  const invalid = (problem: string, next: string) =>
    new StageInvalid({ stage: name, problem, next });
  if (name === "") throw invalid("its name is empty", "Name it after what it does");
  const outputs = "ports" in output ? Object.keys(output.ports) : undefined;
  if (outputs?.length === 0) throw invalid("it has no output", "Give it an output or outputs");
  for (const port of outputs ?? []) {
    if (reserved.has(port) || port.startsWith("~ml-pipe/")) {
      throw invalid(
        `its output cannot be called "${port}", which has a meaning of its own on a graph`,
        `Choose another name; not ${[...reserved].join(", ")}, nor one that begins with ~ml-pipe/`,
      );
    }
  }
  if ([...Object.keys(inputs), ...(outputs ?? [])].includes("")) {
    throw invalid("an input or output has an empty name", "Name it after the value it stands for");
  }
  const kinds = Object.values(signals).map((signal) => signal.name);
  if (new Set(kinds).size < kinds.length) {
    throw invalid("two of its signals have the same name", "Declare each kind of signal once");
  }
  try {
    canonicalJson(params);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw invalid(`its params are not JSON: ${problem}`, "Parameters are part of the cache key");
  }
  const secret = secretIn(params, "");
  if (secret !== undefined) {
    throw invalid(
      `its parameter "${secret}" looks like a secret, and parameters are recorded as they are`,
      "Read it inside run with Config.Redacted, or hand it to a process by secrets. If it is none, give it another name",
    );
  }
};

const secretName =
  /(password|passphrase|passwd|secret|token|credentials?|(api|access|private)[-_ ]?key)$/i;

/** The path of the first parameter that is named like a secret and long enough to be one. */
const secretIn = (value: Schema.Json, path: string): string | undefined => {
  if (typeof value === "string") {
    return secretName.test(path) && /^\S{8,}$/.test(value) ? path : undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = secretIn(inner, path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
};
