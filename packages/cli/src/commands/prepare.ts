/** What `check`, `run` and `show` do first: load the pipeline file, and check its types. */
import * as path from "node:path";
import type { Artifact } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { contractProblems } from "../pipeline/contracts.ts";
import type { LoadError } from "../pipeline/LoadError.ts";
import { loadPipeline, requireFile, type Runnable } from "../pipeline/loadPipeline.ts";
import { makeStateFolder } from "../pipeline/stateFolder.ts";
import { typecheck, type TypecheckResult } from "../pipeline/typecheck.ts";
import type { TypecheckFailed, TypecheckUnavailable } from "../pipeline/TypecheckFailed.ts";
import { type Problem, toProblem } from "../view/problem.ts";

/** A pipeline that may run. */
export interface Prepared {
  readonly pipeline: Runnable;
  /** Absent if the types were not checked, because nobody wanted it. */
  readonly types?: TypecheckResult & { readonly millis: number };
}

/** The pipeline is not valid; all that is wrong with it. */
export class NotValid {
  readonly _tag = "NotValid";
  readonly problems: ReadonlyArray<Problem>;
  constructor(problems: ReadonlyArray<Problem>) {
    this.problems = problems;
  }
}

/**
 * Loads a pipeline and checks its types at the same time. Reports everything that is wrong, except
 * that a file with a broken syntax has no type errors worth reading.
 */
export const prepare = Effect.fnUntraced(function* (
  options: {
    readonly file: string;
    readonly stateFolder: string;
    readonly types: boolean;
    /** Whether anything is going to be recorded. */
    readonly writes?: boolean;
  },
  /** Done with a pipeline that could be loaded, while its types are checked. */
  onLoaded: (pipeline: Runnable) => Effect.Effect<void> = () => Effect.void,
): Effect.fn.Return<Prepared, NotValid | Artifact.ArtifactStoreError> {
  const { file, stateFolder } = options;
  const missing = yield* Effect.result(requireFile(path.resolve(file)));
  if (Result.isFailure(missing)) return yield* Effect.fail(notValid(missing.failure));
  if (options.types || options.writes) yield* makeStateFolder(stateFolder);
  const started = performance.now();
  const [loaded, checked] = yield* Effect.all(
    [
      Effect.result(Effect.tap(loadPipeline(file), onLoaded)),
      options.types ? Effect.result(typecheck(file, stateFolder)) : Effect.succeed(undefined),
    ],
    { concurrency: 2 },
  );
  const typeError =
    checked !== undefined && Result.isFailure(checked) ? checked.failure : undefined;
  if (typeError?._tag === "ArtifactStoreError") return yield* Effect.fail(typeError);
  if (Result.isFailure(loaded)) return yield* Effect.fail(notValid(loaded.failure, typeError));
  if (typeError !== undefined) return yield* Effect.fail(new NotValid(typeProblems(typeError)));
  const contracts = contractProblems(loaded.success);
  if (contracts.length > 0) return yield* Effect.fail(new NotValid(contracts));
  return {
    pipeline: loaded.success,
    ...(checked === undefined || Result.isFailure(checked)
      ? {}
      : { types: { ...checked.success, millis: performance.now() - started } }),
  };
});

const typeProblems = (error: TypecheckFailed | TypecheckUnavailable): ReadonlyArray<Problem> =>
  error._tag === "TypecheckUnavailable"
    ? [toProblem(error)]
    : error.problems.map(({ code, ...problem }) => ({ ...problem, tag: code }));

const notValid = (
  error: LoadError,
  typeError?: TypecheckFailed | TypecheckUnavailable,
): NotValid => {
  const problem = toProblem(error);
  const told = typeError === undefined ? [] : typeProblems(typeError);
  switch (error._tag) {
    case "PipelineSyntax":
      // A text that is not a program has no types.
      return new NotValid([problem]);
    case "PipelineImportMissing":
      return new NotValid([problem, ...told.filter(({ line }) => line !== problem.line)]);
    case "PipelineInvalid": {
      // The same mistake seen twice: ours in short, then TypeScript's words.
      const same = told.find(({ file, line }) => file === problem.file && line === problem.line);
      const others = told.filter((one) => one !== same);
      const both =
        same === undefined ? problem : { ...same, message: `${problem.message}\n${same.message}` };
      return new NotValid([both, ...others]);
    }
    default:
      return new NotValid([...told, problem]);
  }
};
