/** `ml-pipe predict`: predicts rows of a file or of standard input with a release. */
import { createReadStream, createWriteStream } from "node:fs";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { Artifact } from "@ml-pipe/core";
import { Onnx } from "@ml-pipe/data";
import { Predictor } from "@ml-pipe/deploy";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as ExitCode from "../ExitCode.ts";
import { formatOf, readRows, type ReadRow } from "../predict/rows.ts";
import { plural } from "../view/text.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `predict` was asked for. */
export interface PredictOptions {
  readonly stateFolder: string;
  readonly release: string;
  /** A file, or `-` for standard input. */
  readonly input: string;
  /** A file, or `-` for standard output. */
  readonly output: string;
  /** Also says which features moved each prediction. */
  readonly explain: boolean;
  /** Fields of a row to repeat with its prediction. */
  readonly keep: ReadonlyArray<string>;
}

/** Runs the command; the result is its exit code: 3 if a row broke the contract of requests. */
export const predict = (options: PredictOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.flatMap(Predictor.open(options.stateFolder, options.release), (predictor) =>
      options.input === "-" && process.stdin.isTTY
        ? Effect.sync(() => showExample(predictor, context))
        : Effect.tryPromise({
            try: () => predictRows(predictor, options, context),
            catch: (thrown) =>
              thrown instanceof Onnx.OnnxFailed
                ? thrown
                : Artifact.ArtifactStoreError.of("predict the rows of", options.input)(thrown),
          }),
    ).pipe(Effect.scoped),
  );

/** Nothing comes from a keyboard: says what a row looks like. */
const showExample = (predictor: Predictor.Predictor, { terminal }: CommandContext): number => {
  const example = JSON.stringify(predictor.example);
  terminal.err(
    `${predictor.label} takes rows from a file (--in rows.ndjson, .json or .csv) or from standard input. For example:\n  echo '${example}' | ml-pipe predict ${predictor.label}`,
  );
  return ExitCode.invalid;
};

const predictRows = async (
  predictor: Predictor.Predictor,
  { input, output, explain, keep }: PredictOptions,
  { terminal, signal }: CommandContext,
): Promise<number> => {
  if (explain && predictor.explain === undefined) {
    terminal.err(
      "this release does not explain its predictions, as none with a model in ONNX or of a system does: leave out --explain",
    );
    return ExitCode.invalid;
  }
  const source = input === "-" ? process.stdin : createReadStream(input);
  source.setEncoding("utf8");
  const target: Writable = output === "-" ? process.stdout : createWriteStream(output);
  let [rows, refused] = [0, 0];
  const format = input === "-" ? undefined : formatOf(input);
  // A thread is asked for many rows at a time; a model that computes here answers each as it comes.
  const together = predictor.synchronous ? 1 : 256;
  const onIgnored = (columns: ReadonlyArray<string>) =>
    terminal.err(
      `${predictor.label} does not ask for ${columns.join(", ")}: not read (--keep repeats a column with each prediction)`,
    );
  const read = readRows(source, predictor.release.request, { format, keep, onIgnored });
  for await (const group of inGroups(read, together)) {
    if (signal.aborted) return ExitCode.interrupted;
    for (const { line, valid } of await Effect.runPromise(answer(predictor, group, explain))) {
      rows++;
      if (!valid) refused++;
      if (!target.write(`${line}\n`)) await once(target, "drain");
    }
  }
  if (target !== process.stdout) {
    target.end();
    await once(target, "close");
  }
  const { err, errStyle } = terminal;
  if (rows === 0) {
    err(`no rows in ${input === "-" ? "standard input" : input}`);
    return ExitCode.invalid;
  }
  if (refused === 0) return ExitCode.succeeded;
  err(
    errStyle.yellow(
      `! ${plural(refused, "row")} of ${rows} could not be predicted: their lines say why ("problems")`,
    ),
  );
  return ExitCode.stopped;
};

async function* inGroups<A>(all: AsyncIterable<A>, size: number): AsyncGenerator<ReadonlyArray<A>> {
  let group: Array<A> = [];
  for await (const one of all) {
    group.push(one);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** One line of output for each row of input, in its order: a prediction, or what is wrong. */
const answer = (
  predictor: Predictor.Predictor,
  rows: ReadonlyArray<ReadRow>,
  explaining: boolean,
) => {
  const told = (answered: Predictor.Answered) =>
    explaining
      ? { ...answered.prediction, explanation: predictor.explain?.(answered) }
      : answered.prediction;
  const readable = rows.flatMap((row) => (row._tag === "Row" ? [row.value] : []));
  return Effect.map(predictor.answer(readable), (answers) => {
    let next = 0;
    return rows.map((row) => {
      const kept = row._tag === "Row" && row.kept !== undefined ? { kept: row.kept } : {};
      const refuse = (problems: unknown) => ({
        line: JSON.stringify({ row: row.number, ...kept, problems }),
        valid: false,
      });
      if (row._tag === "Unreadable") {
        return refuse([{ field: "", expected: "a row", found: row.problem }]);
      }
      const found = answers[next++];
      return found !== undefined && Result.isSuccess(found)
        ? {
            line: JSON.stringify({ row: row.number, ...kept, ...told(found.success) }),
            valid: true,
          }
        : refuse(found === undefined ? [] : Predictor.problemsOf(found.failure));
    });
  });
};
