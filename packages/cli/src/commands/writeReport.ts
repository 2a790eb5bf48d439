/** Writes the HTML report of a run into the state folder. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Artifact, type Run } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { reportFile } from "../StateFolder.ts";
import { shortPath } from "../view/text.ts";
import type { CommandContext } from "./runCommand.ts";

/** Renders a run and puts it where `target` says, whole or not at all. */
export const renderTo = (run: Run.Run, target: string) =>
  Effect.flatMap(
    Artifact.attempt("make the report", target, async () => {
      const { renderReport } = await import("../report/index.ts");
      return renderReport(run);
    }),
    (html) => writeWhole(target, html),
  );

/** Writes a file, whole or not at all. */
export const writeWhole = (target: string, text: string) =>
  Artifact.attempt("write the report", target, async () => {
    await fs.mkdir(path.dirname(target), { recursive: true });
    const temporary = `${target}.${process.pid}.tmp`;
    try {
      await fs.writeFile(temporary, text);
      await fs.rename(temporary, target);
    } finally {
      await fs.rm(temporary, { force: true });
    }
  });

/** The report at the end of a run: a run whose report cannot be written is still a run. */
export const writeReport = (
  run: Run.Run,
  stateFolder: string,
  { terminal: { err, errStyle } }: CommandContext,
): Effect.Effect<void> => {
  const target = reportFile(stateFolder, run.id);
  return renderTo(run, target).pipe(
    Effect.catchCause((cause) =>
      Effect.sync(() => {
        const [reason] = cause.reasons;
        const error = reason === undefined ? "" : "error" in reason ? reason.error : reason;
        const why = error instanceof Error ? error.message : String(error);
        err(errStyle.yellow(`! the report ${shortPath(target)} could not be written: ${why}`));
      }),
    ),
  );
};
