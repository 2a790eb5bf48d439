/**
 * What a plan of 1,000 stages costs, on a durable store after one run, and how much of it is
 * identifying the code of the stages, which twenty modules define:
 *
 *   node --conditions=@ml-pipe/source bench/plan.ts
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { Engine, Local, Pipeline, Run, Store } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as CodeOf from "../packages/cli/src/pipeline/codeOf.ts";

const modules = 20;
const stagesInEach = 50;
const stages = modules * stagesInEach;
const rounds = 7;

const moduleText = (index: number): string =>
  `import { Stage } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { plus } from "./plus.ts";

const stage = (name: string, step: number) =>
  Stage.make(name, {
    input: { n: Schema.Int },
    output: Schema.Int,
    params: { step, settings: { rate: 0.1, names: ["a", "b", "c"] } },
    run: ({ n }) => Effect.succeed(plus(n, step)),
  });
export const stages = Array.from({ length: ${stagesInEach} }, (_, at) => stage(\`s${index}-\${at}\`, 1));
`;

const pipelineText = `import { Pipeline, type Ref, Stage } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { charter } from "../charter.ts";
${Array.from({ length: modules }, (_, at) => `import { stages as stages${at} } from "./m${at}.ts";`).join("\n")}

const first = Stage.make("first", { input: {}, output: Schema.Int, run: () => Effect.succeed(0) });
export default Pipeline.make("chain", { charter }, () => {
  let last: Ref.Ref<number, never, never> = first();
  for (const stage of [${Array.from({ length: modules }, (_, at) => `...stages${at}`).join(", ")}])
    last = stage({ n: last });
  return { last };
});
`;

type Runnable = Pipeline.Pipeline<unknown, unknown, Local.Services>;
const isRunnable = (value: unknown): value is Runnable => Pipeline.isPipeline(value);

/** Imports the pipeline as it is now. */
const load = async (): Promise<Runnable> => {
  const url = `${pathToFileURL(path.join(folder, "pipeline.ts")).href}?${performance.now()}`;
  const { default: pipeline }: { readonly default?: unknown } = await import(url);
  if (!isRunnable(pipeline)) throw new Error("it is not a pipeline");
  return pipeline;
};

/** The middle of some rounds, in milliseconds. */
const millis = async (round: () => Promise<unknown>): Promise<number> => {
  const times: Array<number> = [];
  for (let index = 0; index < rounds; index++) {
    const start = performance.now();
    await round();
    times.push(performance.now() - start);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
};

// Below the repository, so that the packages are found.
const folder = fs.mkdtempSync(path.join(import.meta.dirname, ".bench-"));
try {
  fs.writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
  fs.writeFileSync(
    path.join(folder, "plus.ts"),
    "export const plus = (a: number, b: number) => a + b;\n",
  );
  for (let at = 0; at < modules; at++)
    fs.writeFileSync(path.join(folder, `m${at}.ts`), moduleText(at));
  fs.writeFileSync(path.join(folder, "pipeline.ts"), pipelineText);

  const pipeline = await load();
  const identify = (codeOf: CodeOf.CodeOf) =>
    Effect.runPromise(Effect.forEach(pipeline.nodes, codeOf, { discard: true }));
  const code = await millis(() => identify(CodeOf.make()));

  const known = CodeOf.make();
  const withCode = Effect.provideService(Engine.CodeOf, known);
  const { fresh, stale, ingredients } = await Effect.runPromise(
    Effect.gen(function* () {
      const engine = yield* Engine.Engine;
      const store = yield* Store.Store;
      yield* withCode(engine.run(pipeline));
      const services = yield* Effect.context<Local.Services>();
      const planOf = (force: "none" | "code") =>
        Effect.promise(() => {
          const other = { _tag: "Known", parts: { "pipeline.ts": "another" } } as const;
          const codeOf = force === "none" ? known : () => Effect.succeed(other);
          return millis(() =>
            engine
              .plan(pipeline)
              .pipe(
                Effect.provideService(Engine.CodeOf, codeOf),
                Effect.provideContext(services),
                Effect.runPromise,
              ),
          );
        });
      const { stages: planned } = yield* withCode(engine.plan(pipeline));
      if (planned.some(({ state }) => state !== "fresh")) throw new Error("it is not fresh");
      const run = yield* store.run();
      const recorded = run._tag === "Some" ? run.value.stages : [];
      return {
        fresh: yield* planOf("none"),
        stale: yield* planOf("code"),
        ingredients: recorded.flatMap((stage) => stage.ingredients ?? []),
      };
    }).pipe(Effect.provide(Local.layer(path.join(folder, "state")))),
  );

  const texts = ingredients.map((one) => JSON.stringify(Schema.encodeSync(Run.Ingredients)(one)));
  const hashes = await millis(async () => {
    for (const text of texts) createHash("sha256").update(text).digest("hex");
  });

  console.log(`${stages} stages of ${modules} modules; the middle of ${rounds} rounds`);
  const rows = [
    ["hashing the JSON of what the keys are made of", hashes, "–"],
    ["a plan, all fresh, code known", fresh, "300 ms"],
    ["a plan, all stale, code known", stale, "300 ms"],
    ["identifying the code, from nothing", code, "–"],
  ] as const;
  for (const [what, time, aim] of rows) {
    const ratio = `${(time / hashes).toFixed(0)} ×`;
    console.log(
      `${what.padEnd(48)}${ratio.padStart(7)}${time.toFixed(1).padStart(9)} ms   aim ${aim}`,
    );
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
