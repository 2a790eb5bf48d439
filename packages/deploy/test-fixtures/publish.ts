/**
 * A process that publishes releases: `publish.ts <folder> <first> <count>`. Waits for a line on its
 * input, so that several processes begin together, and prints the versions it was given.
 */
import { once } from "node:events";
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Registry } from "../src/Registry.ts";
import { candidate } from "./trips.ts";

const [folder = "", first = "0", count = "1"] = process.argv.slice(2);

const prepared = Effect.forEach(Array.from({ length: Number(count) }), (_, index) =>
  candidate({ intercept: Number(first) + index }),
);

const program = Effect.gen(function* () {
  const candidates = yield* prepared;
  process.stdout.write("ready\n");
  yield* Effect.promise(() => once(process.stdin, "data"));
  const registry = yield* Registry;
  const published = yield* Effect.forEach(candidates, registry.publish);
  process.stdout.write(`${JSON.stringify(published.map(({ version }) => version))}\n`);
  process.exit(0);
}).pipe(
  Effect.provide(Registry.layer(folder)),
  Effect.provide(Artifact.ArtifactStore.layer(folder)),
);

await Effect.runPromise(program);
