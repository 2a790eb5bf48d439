/** Where the repository is, how a test starts one of its programs, and how it compiles files. */
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, relative, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");

/** Generated files live inside the repository, so that they resolve the workspace's packages. */
export const generated = join(root, ".snippets");

export const files = (patterns: ReadonlyArray<string>): ReadonlyArray<string> =>
  globSync(patterns, { cwd: root, exclude: ["**/node_modules/**", "**/dist/**"] })
    .map((file) => file.replaceAll("\\", "/"))
    .toSorted();

export const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** Runs a program with the repository's binaries (and its Node 24) first on PATH. */
export const run = (command: string, args: ReadonlyArray<string>, cwd: string) => {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1" };
  // What vitest tells its workers is not what a user's shell says.
  for (const name of ["NODE_ENV", "NODE_OPTIONS", "FORCE_COLOR", "VITEST", "TEST"])
    delete env[name];
  env["PATH"] = [join(root, "node_modules/.bin"), env["PATH"]].join(delimiter);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    timeout: 290_000,
    input: "",
  });
  if (error !== undefined) throw error;
  return { status, output: `${stdout}${stderr}` };
};

export interface Diagnostic {
  readonly line: number;
  readonly message: string;
}

/**
 * Compiles `modules` (file name to text) in the generated folder `name` with one run of `tsc`, and
 * answers the errors of each. Files that are there already stay.
 */
export const compile = (
  name: string,
  modules: ReadonlyMap<string, string>,
): ReadonlyMap<string, ReadonlyArray<Diagnostic>> => {
  const folder = join(generated, name);
  for (const [file, text] of modules) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const found = new Map<string, Array<Diagnostic>>([...modules.keys()].map((file) => [file, []]));
  if (modules.size === 0) return found;
  const config = {
    extends: join(relative(folder, root), "tsconfig.base.json").replaceAll("\\", "/"),
    compilerOptions: {
      noEmit: true,
      composite: false,
      incremental: false,
      declaration: false,
      declarationMap: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      allowImportingTsExtensions: true,
      customConditions: ["@ml-pipe/source"],
    },
    files: [...modules.keys()],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { status, output } = run(process.execPath, [tsc, "-p", ".", "--pretty", "false"], folder);
  let count = 0;
  // `file(line,column): error TS1234: message`, then indented lines that explain.
  for (const part of output.split(/\r?\n(?! )/)) {
    const match = /^(.+?)\((\d+),\d+\): error TS\d+: ([^]*)$/.exec(part);
    if (match === null) continue;
    count++;
    const [, file = "", line, text = ""] = match;
    found.get(file)?.push({ line: Number(line), message: text.replaceAll(/\s+/g, " ").trim() });
  }
  if (status !== 0 && count === 0) throw new Error(`tsc did not run:\n${output}`);
  return found;
};

export const clean = (name: string): string => {
  const folder = join(generated, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
};
