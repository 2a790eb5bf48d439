/** `ml-pipe releases`: what has been released, and what a release takes. */
import { Predictor, Registry } from "@ml-pipe/deploy";
import { Release } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { stateFlag } from "../StateFolder.ts";
import { pretty } from "../view/json.ts";
import { verdictWord } from "../view/marks.ts";
import type { Style } from "../view/Style.ts";
import { columns, instant } from "../view/text.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `releases` was asked for. */
export interface ReleasesOptions {
  readonly stateFolder: string;
  /** All of them if absent. */
  readonly release: string | undefined;
  readonly json: boolean;
}

/** Runs the command; the result is its exit code. */
export const releases = (options: ReleasesOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    options.release === undefined
      ? list(options, context)
      : describe(options, options.release, context),
  );

const list = ({ stateFolder, json }: ReleasesOptions, { terminal }: CommandContext) =>
  Registry.Registry.use((registry) => registry.list).pipe(
    Effect.provide(Registry.Registry.layer(stateFolder)),
    Effect.map((found) => {
      const { out, err, style } = terminal;
      if (json) out(pretty(Schema.encodeSync(Schema.Array(Release.AnyRelease))(found)));
      else if (found.length > 0) out(releasesText(found, style));
      else err(`nothing has been released in ${stateFolder} yet: run a pipeline that deploys`);
      return ExitCode.succeeded;
    }),
  );

/** One line for each release. */
const releasesText = (releases: ReadonlyArray<Release.AnyRelease>, style: Style): string =>
  columns(
    releases.map((release) => [
      style.bold(Release.label(release)),
      verdictWord(release.verdict.status, style),
      release.decision,
      Release.policy(release),
      style.dim(instant(release.releasedAt)),
    ]),
  ).join("\n");

const describe = (
  { stateFolder, json }: ReleasesOptions,
  reference: string,
  { terminal: { out, style } }: CommandContext,
) =>
  Effect.map(Predictor.open(stateFolder, reference), ({ release, label, signature, example }) => {
    if (json) {
      const encoded = Schema.encodeSync(Release.AnyRelease)(release);
      out(pretty({ release: encoded, signature, example }));
      return ExitCode.succeeded;
    }
    const fields = Object.entries(release.request.columns).map(([name, column]) => [
      `  ${name}`,
      `${column.type}${column.nullable ? " or null" : ""}`,
      style.dim([column.description, column.unit].filter((part) => part !== undefined).join(", ")),
    ]);
    const flag = stateFlag(stateFolder);
    out(
      [
        releasesText([release], style),
        "",
        style.bold("A request carries"),
        ...columns(fields),
        "",
        style.bold("For example"),
        `  echo '${JSON.stringify(example)}' | ml-pipe predict ${label}${flag}`,
        `  ml-pipe serve ${label}${flag}`,
      ].join("\n"),
    );
    return ExitCode.succeeded;
  }).pipe(Effect.scoped);
