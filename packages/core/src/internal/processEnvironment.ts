/** The environment of a child process: what it needs to start, and what is declared. */
import type { Paths } from "./exchange.ts";

/** What programs need to find themselves, whatever they are. */
const essential: ReadonlyArray<string> =
  process.platform === "win32"
    ? ["Path", "PATHEXT", "SystemRoot", "SystemDrive", "ComSpec", "TEMP", "TMP", "USERPROFILE"]
    : ["PATH", "HOME", "LANG", "TMPDIR"];

/** What a child needs of this process's environment, and what is declared. */
export const childEnvironment = (
  declared: ReadonlyArray<string>,
): { readonly [name: string]: string } =>
  Object.fromEntries(
    [...essential, ...declared].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** How a child is told where its files are. */
export const exchangeVariables = (paths: Paths): { readonly [name: string]: string } => ({
  ML_PIPE_INPUT: paths.input,
  ML_PIPE_PARAMS: paths.params,
  ML_PIPE_OUTPUT: paths.output,
  ML_PIPE_ARTIFACTS: paths.artifacts,
});

/** What is wrong with the names of a stage's variables and secrets. */
export const problemWithNames = (
  environment: ReadonlyArray<string>,
  secrets: ReadonlyArray<string>,
): { readonly problem: string; readonly next: string } | undefined => {
  const names = [...environment, ...secrets];
  const unusable = names.find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (unusable !== undefined) {
    return {
      problem: `"${unusable}" is no name of an environment variable`,
      next: "Use letters, digits and _",
    };
  }
  const reserved = names.find((name) => name.startsWith("ML_PIPE_"));
  if (reserved !== undefined) {
    return { problem: `"${reserved}" is a name of ml-pipe's own`, next: "Choose another name" };
  }
  const both = secrets.find((name) => environment.includes(name));
  if (both !== undefined) {
    return {
      problem: `"${both}" is a secret and part of the cache key`,
      next: "Leave it out of `environment`: a secret is in no cache key",
    };
  }
  return undefined;
};
