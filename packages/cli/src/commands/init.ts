/** `ml-pipe init`: a small project that runs, to change step by step. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { Artifact } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { packageOf } from "../pipeline/packages.ts";
import { makeStateFolder } from "../pipeline/stateFolder.ts";
import { shortPath } from "../view/text.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `init` was asked for. */
export interface InitOptions {
  /** The folder, made if absent. */
  readonly folder: string;
  /** Version of ml-pipe that the project depends on. */
  readonly version: string;
}

/** There is something in the way: nothing is ever overwritten. */
export class ProjectExists extends Schema.TaggedError<ProjectExists>()("ProjectExists", {
  folder: Schema.String,
  files: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return `${this.folder} already has ${this.files.join(", ")}. Nothing was written: choose another folder`;
  }
}

const template = fileURLToPath(new URL("../../templates/deliveries/", import.meta.url));

/** Runs the command; the result is its exit code. */
export const init = (options: InitOptions, context: CommandContext): Promise<number> => {
  const folder = path.resolve(options.folder);
  const { out, style } = context.terminal;
  return runCommand(
    context,
    Effect.gen(function* () {
      const files = yield* Artifact.attempt("read", template, () => projectFiles(folder, options));
      yield* requireFree(folder, [...Object.keys(files), "data/deliveries.parquet"]);
      yield* makeStateFolder(folder);
      for (const [name, text] of Object.entries(files)) {
        const file = path.join(folder, name);
        yield* Artifact.attempt("write", file, () => fs.writeFile(file, text, { flag: "wx" }));
      }
      yield* writeDeliveries(path.join(folder, "data"));
      out(`${style.green("✓")} a project in ${style.bold(shortPath(folder))}`);
      const next = [
        ...(folder === process.cwd() ? [] : [`cd "${shortPath(folder)}"`]),
        ...installation(folder),
        "npx ml-pipe run pipeline.ts",
      ];
      out(`\n${style.bold("Next")}\n${next.map((line) => `  ${line}`).join("\n")}`);
      return ExitCode.succeeded;
    }),
  );
};

/** How the project gets ml-pipe. From a clone it is packed; a project inside of the clone sees it already. */
const installation = (folder: string): ReadonlyArray<string> => {
  const own = packageOf(fileURLToPath(import.meta.url));
  if (own === undefined || own.installed) return ["npm install"];
  const clone = path.resolve(own.folder, "../..");
  return `${folder}${path.sep}`.startsWith(`${clone}${path.sep}`)
    ? []
    : [`npm --prefix "${clone}" run pack`, `npm install "${clone}"/packed/*.tgz`];
};

const requireFree = (folder: string, names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const there = yield* Effect.promise(() =>
      Promise.all(
        names.map((name) =>
          fs.stat(path.join(folder, name)).then(
            () => [name],
            () => [],
          ),
        ),
      ),
    );
    const files = there.flat();
    if (files.length > 0) return yield* new ProjectExists({ folder: shortPath(folder), files });
  });

const dayMillis = 86_400_000;

/** Text of each file, by its path in the project. */
const projectFiles = async (
  folder: string,
  { version }: InitOptions,
): Promise<{ readonly [name: string]: string }> => {
  const name =
    path
      .basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, "-")
      .replaceAll(/^-+|-+$/g, "") || "first-pipeline";
  const killOn = new Date(Date.now() + 365 * dayMillis).toISOString().slice(0, 10);
  const read = async (file: string) =>
    (await fs.readFile(path.join(template, file), "utf8"))
      .replaceAll("{{name}}", name)
      .replaceAll("{{killOn}}", killOn);
  const manifest = {
    name,
    private: true,
    type: "module",
    scripts: { check: "ml-pipe check pipeline.ts", start: "ml-pipe run pipeline.ts" },
    dependencies: { "@ml-pipe/cli": version, "@ml-pipe/ml-pipe": version },
    devDependencies: { "@types/node": "^24.0.0" },
  };
  return {
    "package.json": `${JSON.stringify(manifest, undefined, 2)}\n`,
    "tsconfig.json": await read("tsconfig.json"),
    "pipeline.ts": await read("pipeline.ts"),
    "README.md": await read("README.md"),
    ".gitignore": "node_modules/\n.ml-pipe/\n",
  };
};

/** Data to run on: made up, and the same every time. */
const writeDeliveries = Effect.fnUntraced(function* (folder: string) {
  const target = path.join(folder, "deliveries.parquet");
  const query = yield* Artifact.attempt("read", template, () =>
    fs.readFile(path.join(template, "deliveries.sql"), "utf8"),
  );
  yield* Artifact.attempt("create", folder, () => fs.mkdir(folder, { recursive: true }));
  const quoted = `'${target.replaceAll("'", "''")}'`;
  yield* Duckdb.Duckdb.use((duckdb) =>
    duckdb.execute(
      "write the example's data",
      `COPY (${query}) TO ${quoted} (FORMAT parquet, COMPRESSION zstd)`,
    ),
  ).pipe(Effect.provide(Duckdb.Duckdb.layer({ threads: 1 })));
});
