/** What a worker thread of a stage and the main thread say to each other. */

/** What the thread is to run. */
export interface WorkerTask {
  readonly module: string;
  readonly input: unknown;
  readonly params: unknown;
}

/** What the thread says. */
export type WorkerMessage =
  | { readonly _tag: "Progress"; readonly progress: unknown }
  | { readonly _tag: "Finding"; readonly finding: unknown }
  | { readonly _tag: "Done"; readonly output: unknown }
  | { readonly _tag: "Failed"; readonly failure: WorkerFailure };

/** An error, as it can be sent. */
export interface WorkerFailure {
  /** Its tag, or the name of its class. */
  readonly name: string;
  readonly problem: string;
  /** Where it was thrown: the innermost calls first, without those of Node. */
  readonly calls: ReadonlyArray<string>;
}

/** So many calls are kept. */
const keptCalls = 8;

/** Any thrown value as it can be sent. */
export const failureOfThrown = (thrown: unknown): WorkerFailure => {
  if (!(thrown instanceof Error)) return { name: "Error", problem: String(thrown), calls: [] };
  const calls = (thrown.stack ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("at ") && !/\(?node:/.test(line));
  const name = "_tag" in thrown ? String(thrown._tag) : thrown.name;
  return { name, problem: thrown.message, calls: calls.slice(0, keptCalls) };
};
