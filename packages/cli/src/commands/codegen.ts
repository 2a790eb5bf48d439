/** `ml-pipe codegen python`: the feature sets of a file as types for Python. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Artifact, Contract } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { loadFeatureSets } from "../features/loadFeatureSets.ts";
import { tellProblems } from "./check.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `codegen python` was asked for. */
export interface CodegenOptions {
  readonly file: string;
  /** The file to write; undefined: standard output. */
  readonly out: string | undefined;
  /** Only look whether it is what would be written. */
  readonly check: boolean;
}

/** Runs the command; the result is its exit code: 3 if `check` finds another file. */
export const codegenPython = (options: CodegenOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const { file, out, check } = options;
      const { terminal } = context;
      const sets = yield* loadFeatureSets(file);
      const all = sets.flatMap(({ contract, source, digest }) => [
        { spec: contract.spec, digest },
        { spec: source.spec, digest: source.digest },
      ]);
      const contracts = [...new Map(all.map((one) => [one.digest, one])).values()];
      const target = out === undefined ? "" : ` --out ${asWritten(out)}`;
      const command = `ml-pipe codegen python ${asWritten(file)}${target}`;
      const text = Contract.toPython(contracts, command);
      if (out === undefined) {
        terminal.out(text.trimEnd());
        return ExitCode.succeeded;
      }
      const found = yield* Effect.promise(() => fs.readFile(out, "utf8").catch(() => undefined));
      if (check) {
        if (withoutCommand(found) === withoutCommand(text)) return ExitCode.succeeded;
        terminal.err(`${out} is not what the feature sets of ${file} are now. Run: ${command}`);
        return ExitCode.stopped;
      }
      if (found !== text) {
        yield* Artifact.attempt("write", out, () => fs.writeFile(out, text));
      }
      terminal.out(
        `${out}: ${contracts.map(({ spec }) => `${spec.name} ${spec.version}`).join(", ")}`,
      );
      return ExitCode.succeeded;
    }).pipe(
      Effect.catchTag("NotValid", ({ problems }) =>
        Effect.sync(() => {
          tellProblems(problems, options.file, context);
          return ExitCode.invalid;
        }),
      ),
    ),
  );

/** A path of this folder is written the same on every machine. */
const asWritten = (file: string): string => {
  const below = path.relative(process.cwd(), path.resolve(file));
  return (below.startsWith("..") ? file : below).replaceAll("\\", "/");
};

/** From wherever it was written: the line with the command says from where. */
const withoutCommand = (text: string | undefined): string | undefined =>
  text?.replace(/^ {4}ml-pipe codegen python .*$/m, "");
