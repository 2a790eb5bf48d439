/** Processes for tests: small programs for the Node that runs the tests. */
import { spawnSync } from "node:child_process";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import * as References from "effect/References";
import { ArtifactStore } from "../Artifact.ts";
import { filesBelow, temporaryFolder } from "../internal/folder.fixture.ts";
import * as Stage from "../Stage.ts";

/** A command that runs this program, which has `fs`, `path`, `input`, `answer` and `file`. */
export const script = (code: string) =>
  [
    process.execPath,
    "--input-type=commonjs",
    "-e",
    `const fs = require("node:fs"), path = require("node:path");
const input = JSON.parse(fs.readFileSync(process.env.ML_PIPE_INPUT, "utf8"));
const params = JSON.parse(fs.readFileSync(process.env.ML_PIPE_PARAMS, "utf8"));
const answer = (value) => fs.writeFileSync(process.env.ML_PIPE_OUTPUT, JSON.stringify(value));
const file = (name) => path.join(process.env.ML_PIPE_ARTIFACTS, name);
${code}`,
  ] as const;

/** A line that was logged. */
export interface Logged {
  readonly text: string;
  readonly level: string;
  readonly stage: unknown;
  readonly stream: unknown;
}

/**
 * Artifacts in a folder, and what is logged and told while an effect runs with them. With `onLog`
 * lines go there instead of into `logged`.
 */
export const watched = Effect.fnUntraced(function* (onLog?: (line: Logged) => void) {
  const folder = yield* temporaryFolder;
  const logged: Array<Logged> = [];
  const told: Array<Stage.StageEvent> = [];
  const logger = Logger.make(({ message, logLevel, fiber }) => {
    const { stage, stream } = fiber.getRef(References.CurrentLogAnnotations);
    const line = { text: [message].flat().join(" "), level: logLevel, stage, stream };
    if (onLog === undefined) logged.push(line);
    else onLog(line);
  });
  const layer = Layer.merge(ArtifactStore.layer(folder), Logger.layer([logger]));
  const use = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(
      Effect.provideService(Stage.Reporter, (event) => Effect.sync(() => void told.push(event))),
      Effect.provide(layer),
    );
  return {
    use,
    logged,
    told,
    folder,
    /** What is left in the temporary folder. */
    leftOver: () => filesBelow(folder).filter((file) => file.startsWith("tmp/")),
  };
});

/** Whether a process runs: one that ended and was not collected does not. */
export const isRunning = (pid: number): boolean => {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return /^[^Z\s]/.test(stdout.trim());
};

/** Waits until something holds, and throws if it never does. */
export const eventually = Effect.fnUntraced(function* (what: string, holds: () => boolean) {
  const until = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > until) throw new Error(`never: ${what}`);
    yield* Effect.promise(() => new Promise((resolve) => void setTimeout(resolve, 5)));
  }
});
