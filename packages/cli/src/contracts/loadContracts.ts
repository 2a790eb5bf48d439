/** The contracts of a file: those that its pipeline hands over, and those that it exports. */
import { Contract, Digest, Graph, Pipeline } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { NotValid } from "../commands/prepare.ts";
import { contractProblems } from "../pipeline/contracts.ts";
import { importFile } from "../pipeline/loadPipeline.ts";
import { toProblem } from "../view/problem.ts";
import { similar } from "../view/text.ts";

/** The contracts of a file. */
export interface Loaded {
  /** The name of the pipeline that uses the contracts; absent if the file has none. */
  readonly pipeline?: string;
  readonly specs: ReadonlyArray<Contract.ContractSpec>;
}

/** The file has no contract at all. */
export class NoContracts extends Schema.TaggedError<NoContracts>()("NoContracts", {
  file: Schema.String,
}) {
  override get message(): string {
    return "it has no contract: none enters its pipeline, and it exports none by name. Draft one from data with: ml-pipe contracts infer DATA";
  }
}

/** Loads them. Fails with {@link NotValid}, which has everything that is wrong with the file. */
export const loadContracts = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<Loaded, NotValid> {
  const imported = yield* Effect.result(importFile(file));
  if (Result.isFailure(imported)) {
    return yield* Effect.fail(new NotValid([toProblem(imported.failure)]));
  }
  const { default: main, ...exported } = imported.success;
  const pipeline = Pipeline.isPipeline(main) ? main : undefined;
  const problems = pipeline === undefined ? [] : contractProblems(pipeline);
  if (problems.length > 0) return yield* Effect.fail(new NotValid(problems));
  const specs = specsOf(
    pipeline,
    Object.values(pipeline === undefined ? imported.success : exported),
  );
  if (specs.length === 0) {
    return yield* Effect.fail(new NotValid([toProblem(new NoContracts({ file }))]));
  }
  return { ...(pipeline === undefined ? {} : { pipeline: pipeline.name }), specs };
});

/**
 * Contracts between teams, by name: those of what enters a pipeline, those that name consumers, and those
 * among other values. What a pipeline makes for itself, such as features, nobody else agrees on.
 */
export const specsOf = (
  pipeline: Pipeline.Pipeline | undefined,
  values: ReadonlyArray<unknown> = [],
): ReadonlyArray<Contract.ContractSpec> => {
  const specs = [
    ...(pipeline === undefined ? [] : handedOver(Graph.of(pipeline))),
    ...values.flatMap((value) => (isContract(value) ? [value.spec] : [])),
  ];
  const found = new Map(specs.map((spec) => [spec.name, spec]));
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

const handedOver = ({ stages, contracts }: Graph.Graph): ReadonlyArray<Contract.ContractSpec> => {
  const entering = new Set(
    stages
      .filter(({ inputs }) => inputs.length === 0)
      .flatMap(({ outputs }) => outputs.map(({ contract }) => contract)),
  );
  return Object.values(contracts)
    .filter(isSpec)
    .filter(({ name, consumers }) => entering.has(name) || consumers.length > 0)
    .filter(({ owner }) => owner !== "ml-pipe");
};

const isSpec = Schema.is(Contract.ContractSpec);

const isContract = (value: unknown): value is { readonly spec: Contract.ContractSpec } =>
  typeof value === "object" &&
  value !== null &&
  "spec" in value &&
  "digest" in value &&
  isSpec(value.spec) &&
  Digest.ofJson(value.spec) === value.digest;

/** There is no contract of that name. */
export class ContractUnknown extends Schema.TaggedError<ContractUnknown>()("ContractUnknown", {
  contract: Schema.String,
  candidates: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return `there is no contract "${this.contract}". Those there are: ${this.candidates.join(", ")}`;
  }
}

/** The contract of a name; without one, the only one that there is. */
export const oneOf = (
  { specs }: Loaded,
  name: string | undefined,
): Effect.Effect<Contract.ContractSpec, ContractUnknown> => {
  const [first] = specs;
  const found =
    name === undefined
      ? specs.length === 1
        ? first
        : undefined
      : specs.find((spec) => spec.name === name);
  if (found !== undefined) return Effect.succeed(found);
  const names = specs.map((spec) => spec.name);
  const near = name === undefined ? [] : similar(name, names);
  return Effect.fail(
    new ContractUnknown({
      contract: name ?? "(without a name)",
      candidates: near.length > 0 ? near : names,
    }),
  );
};
