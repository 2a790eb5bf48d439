/** What to type next. */
import type { Approval, Run } from "@ml-pipe/core";
import { releasesOf } from "./facts.ts";
import { shortPath } from "./text.ts";
import { wordText } from "./words.ts";

/** Where the run was made and what there is beside its record. */
export interface Surroundings {
  /** What to add to a command so that it finds the same state folder: empty or ` --state DIR`. */
  readonly stateFlag: string;
  /** Path of the HTML report, if it was written. */
  readonly report?: string;
  /** Words at its gates that the run does not know of yet. */
  readonly given?: ReadonlyArray<Approval.Approval>;
}

/** A command to try, and what it is for. */
export interface NextCommand {
  readonly command: string;
  readonly why: string;
}

/** Commands that make sense after a run, the likeliest first. */
export const nextCommands = (
  run: Run.Run,
  { stateFlag, given = [] }: Surroundings,
): ReadonlyArray<NextCommand> => {
  const file = run.graph.place === undefined ? "FILE" : shortPath(run.graph.place.file);
  const of = (command: string, why: string): NextCommand => ({
    command: `ml-pipe ${command}${stateFlag}`,
    why,
  });
  const again = of(`run ${file}`, "runs again; finished stages are reused");
  const report = of(`report ${run.id}`, "opens the report");
  switch (run.status) {
    case "running":
      return [of("status", "looks again")];
    case "succeeded": {
      const release = releasesOf(run).at(-1);
      const serve =
        release === undefined
          ? []
          : [
              of(`predict ${release} --in rows.ndjson`, "predicts rows of a file"),
              of(`serve ${release}`, "answers predictions over HTTP"),
            ];
      return [report, ...serve, of(`show ${file}`, "shows the graph")];
    }
    case "stopped":
      return [report, of(`show ${run.id}`, "shows the graph"), again];
    case "failed":
      return [of(`check ${file}`, "checks types, graph and contracts without reading data"), again];
    case "suspended": {
      const waiting = run.stages.flatMap(({ stage, asks }) =>
        asks === undefined || given.some(({ gate }) => gate === stage)
          ? []
          : [of(`approve ${run.id} ${stage} --as NAME --reason "…"`, asks.question)],
      );
      const [word] = given;
      if (word === undefined) {
        return [...waiting, of(`resume ${run.id}`, "looks again, and goes on if it can")];
      }
      return [of(`resume ${run.id}`, `goes on: ${wordText(word)}`), ...waiting];
    }
    case "interrupted": {
      const stopped = run.stages.flatMap(({ stage, stoppedEarly }) =>
        stoppedEarly === true ? [stage] : [],
      );
      if (stopped.length === 0) {
        return [of(`resume ${run.id}`, "goes on; finished stages are reused")];
      }
      const names = stopped.join(" and ");
      return [
        of(`resume ${run.id}`, `goes on with what ${names} kept when it was stopped`),
        of(`run ${file}`, `goes on; ${names} runs again, to its end`),
      ];
    }
  }
};
