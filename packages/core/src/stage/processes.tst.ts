import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import type * as Redacted from "effect/Redacted";
import * as Schema from "effect/Schema";
import { describe, expectTypeOf, it } from "vitest";
import { Artifact, type ArtifactStore } from "../Artifact.ts";
import { charter } from "../internal/charter.fixture.ts";
import * as Pipeline from "../Pipeline.ts";
import * as Stage from "../Stage.ts";
import type * as fixture from "./worker.fixture.ts";

const train = Stage.process("train", {
  command: ["python3", new URL("./train.py", import.meta.url)],
  args: ({ trees }, { work }) => [String(trees satisfies number), work],
  input: { trees: Schema.Int },
  outputs: { model: Artifact, auc: Schema.Finite },
});
const score = Stage.process("score", {
  command: ["score"],
  input: { model: Artifact },
  output: Schema.Finite,
});
const trees = Stage.make("trees", { input: {}, output: Schema.Int, run: () => Effect.succeed(1) });
const word = Stage.make("word", {
  input: {},
  output: Schema.String,
  run: () => Effect.succeed(""),
});

type Failures<S> = S extends { run: (input: never) => Effect.Effect<unknown, infer E, unknown> }
  ? E
  : never;
type Needs<S> = S extends { run: (input: never) => Effect.Effect<unknown, unknown, infer R> }
  ? R
  : never;

describe("Stage.process", () => {
  it("is a stage with the types of its schemas", () => {
    type Run = typeof train.run;
    expectTypeOf<Parameters<Run>[0]>().toEqualTypeOf<{ readonly trees: number }>();
    expectTypeOf<Effect.Success<ReturnType<Run>>>().toEqualTypeOf<{
      readonly model: Artifact;
      readonly auc: number;
    }>();
    expectTypeOf<Failures<typeof train>>().toEqualTypeOf<
      Stage.ProcessError | Stage.InputMismatch
    >();
    expectTypeOf<Needs<typeof train>>().toEqualTypeOf<ArtifactStore>();
  });

  it("is wired by its types", () => {
    Pipeline.make("p", { charter }, () => {
      const { model } = train({ trees: trees() });
      // @ts-expect-error is not assignable to type
      train({ trees: word() });
      return { score: score({ model }) };
    });
  });

  it("carries the errors and needs of its secrets, which are redacted", () => {
    class Vault extends Schema.TaggedError<Vault>()("Vault", {}) {}
    const secretive = Stage.process("secretive", {
      command: ["x"],
      input: {},
      output: Schema.Null,
      secrets: {
        TOKEN: Config.Redacted("TOKEN"),
        KEY: Effect.fail(new Vault()) as Effect.Effect<Redacted.Redacted<string>, Vault>,
      },
    });
    expectTypeOf<Failures<typeof secretive>>().toEqualTypeOf<
      Stage.ProcessError | Stage.InputMismatch | Config.ConfigError | Vault
    >();
    Stage.process("careless", {
      command: ["x"],
      input: {},
      output: Schema.Null,
      // @ts-expect-error Type 'string' is not assignable to type 'Redacted<string>'
      secrets: { TOKEN: Config.String("TOKEN") },
    });
  });

  it("has one way to give its output, and a program", () => {
    // @ts-expect-error Property 'outputs' is missing
    Stage.process("x", { command: ["x"], input: {} });
    // @ts-expect-error Source has 0 element(s) but target requires 1
    Stage.process("x", { command: [], input: {}, output: Schema.Null });
  });
});

const module = Stage.workerModule<typeof fixture>(new URL("./worker.fixture.ts", import.meta.url));

describe("Stage.worker", () => {
  const input = { what: Schema.String, xs: Schema.Array(Schema.Finite) };

  it("has the types of the function in the other file", () => {
    const compute = Stage.worker("compute", { module, input, output: Schema.Finite });
    expectTypeOf<Failures<typeof compute>>().toEqualTypeOf<
      Stage.WorkerError | Stage.InputMismatch
    >();
    expectTypeOf<Needs<typeof compute>>().toEqualTypeOf<never>();
    expectTypeOf<Effect.Success<ReturnType<typeof compute.run>>>().toEqualTypeOf<number>();
  });

  it("does not compile if the two files disagree", () => {
    // @ts-expect-error Type 'number' is not assignable to type 'string'
    Stage.worker("x", { module, input, output: Schema.String });
    const { what } = input;
    // @ts-expect-error Property 'xs' is missing in type
    Stage.worker("x", { module, input: { what }, output: Schema.Finite });
    // @ts-expect-error Type 'string' is not assignable to type 'readonly number[]'
    Stage.worker("x", { module, input: { what, xs: Schema.String }, output: Schema.Finite });
    // @ts-expect-error is not assignable to type
    Stage.worker("x", { module, input, outputs: { sum: Schema.Finite } });
    const unchecked = new URL("./worker.fixture.ts", import.meta.url);
    // @ts-expect-error Property 'url' is missing in type 'URL'
    Stage.worker("x", { module: unchecked, input, output: Schema.Finite });
  });

  it("can be checked from the other side too", () => {
    const run: Stage.WorkerRun<{ readonly n: number }, number> = ({ n }, { progress }) => {
      progress({ label: "half", share: 0.5 });
      return n;
    };
    expectTypeOf(run).parameter(0).toEqualTypeOf<{ readonly n: number }>();
    // @ts-expect-error Type 'string' is not assignable to type 'number | Promise<number>'
    const wrong: Stage.WorkerRun<{ readonly n: number }, number> = () => "one";
    expectTypeOf(wrong).not.toBeAny();
  });
});
