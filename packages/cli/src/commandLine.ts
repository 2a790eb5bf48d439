/**
 * The command line: all verbs. Each is a file in `verbs/` with its arguments, flags and description;
 * what it does is in `light/`, or in `commands/` if that is too heavy for start-up.
 */
import * as Command from "effect/cli/Command";
import { Debug, State } from "./Verb.ts";
import { approve } from "./verbs/approve.ts";
import { check } from "./verbs/check.ts";
import { codegen } from "./verbs/codegen.ts";
import { contracts } from "./verbs/contracts.ts";
import { daemon } from "./verbs/daemon.ts";
import { diff } from "./verbs/diff.ts";
import { dump } from "./verbs/dump.ts";
import { exportModel } from "./verbs/export.ts";
import { features } from "./verbs/features.ts";
import { gc } from "./verbs/gc.ts";
import { holdout } from "./verbs/holdout.ts";
import { init } from "./verbs/init.ts";
import { keep } from "./verbs/keep.ts";
import { lineage } from "./verbs/lineage.ts";
import { logs } from "./verbs/logs.ts";
import { predict } from "./verbs/predict.ts";
import { reject } from "./verbs/reject.ts";
import { releases } from "./verbs/releases.ts";
import { report } from "./verbs/report.ts";
import { resume } from "./verbs/resume.ts";
import { run } from "./verbs/run.ts";
import { runs } from "./verbs/runs.ts";
import { serve } from "./verbs/serve.ts";
import { show } from "./verbs/show.ts";
import { status } from "./verbs/status.ts";
import { why } from "./verbs/why.ts";

/** The whole command line. */
export const commandLine = Command.make("ml-pipe").pipe(
  Command.withDescription(
    "Pipelines of the machine-learning lifecycle, with every hand-over a checked interface",
  ),
  Command.withSubcommands([
    run,
    resume,
    daemon,
    check,
    contracts,
    features,
    codegen,
    show,
    status,
    runs,
    logs,
    lineage,
    holdout,
    diff,
    why,
    dump,
    approve,
    reject,
    report,
    releases,
    predict,
    serve,
    exportModel,
    keep,
    gc,
    init,
  ]),
  Command.withGlobalFlags([State, Debug]),
);
