/**
 * What `effect/cli` asks of its platform. No flag of ours reads a file and no verb prompts, so nothing
 * stands behind most of it: Node's own implementation is a fifth of the start-up bundle.
 */
import * as Effect from "effect/Effect";
import * as FileSystem from "effect/FileSystem";
import * as Layer from "effect/Layer";
import * as Path from "effect/Path";
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner";
import * as Stdio from "effect/Stdio";
import * as Terminal from "effect/Terminal";

const unused = Effect.die(new Error("the command line has no prompts and starts no processes"));

/** Files and folders reach the verbs as they were typed: those say what is wrong with them. */
const asTyped = Layer.effect(Path.Path)(
  Effect.map(Path.Path, (path) => ({ ...path, isAbsolute: () => true })),
).pipe(Layer.provide(Path.layer));

/** The services. */
export const platform = Layer.mergeAll(
  FileSystem.layerNoop({ exists: () => Effect.succeed(false) }),
  asTyped,
  Stdio.layerTest({}),
  Layer.succeed(ChildProcessSpawner.ChildProcessSpawner)(ChildProcessSpawner.make(() => unused)),
  Layer.succeed(Terminal.Terminal)(
    Terminal.make({
      columns: Effect.sync(() => process.stdout.columns || 80),
      rows: Effect.sync(() => process.stdout.rows || 24),
      size: unused,
      readInput: unused,
      readLine: unused,
      display: (text) => Effect.sync(() => void process.stdout.write(text)),
    }),
  ),
);
