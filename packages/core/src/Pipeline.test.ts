import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { fileURLToPath } from "node:url";
import * as Column from "./Column.ts";
import * as Contract from "./Contract.ts";
import * as Hook from "./Hook.ts";
import { charter, charterWith } from "./internal/charter.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import type * as Ref from "./Ref.ts";
import * as Signal from "./Signal.ts";
import * as Stage from "./Stage.ts";

const table = <R extends string>(role: R) =>
  Schema.Struct({ role: Schema.Literal(role) }).annotate({ title: `Table<flight, ${role}>` });

const Drift = Signal.make("DataDrift", { description: "PSI", payload: Schema.String });

const split = Stage.make("split", {
  input: {},
  outputs: { train: table("train"), test: table("test") },
  run: () => Effect.succeed({ train: { role: "train" }, test: { role: "test" } } as const),
});
const fit = Stage.make("fit", {
  input: { data: table("train") },
  output: Schema.Int,
  run: () => Effect.succeed(1),
});
const score = Stage.make("score", {
  input: { model: Schema.Int, data: table("test") },
  output: Schema.Finite,
  signals: { drift: Drift },
  run: () => Effect.succeed(0.7),
});

const invalid = (build: () => { readonly [output: string]: Ref.Traced }) => {
  try {
    Pipeline.make("delays", { charter }, build);
  } catch (error) {
    assert.instanceOf(error, Pipeline.PipelineInvalid);
    return error;
  }
  return assert.fail("the pipeline was accepted");
};

describe("make", () => {
  it("describes the graph and runs nothing", () => {
    const pipeline = Pipeline.make("delays", { charter, description: "flights" }, () => {
      const parts = split();
      const model = fit({ data: parts.train });
      const auc = score({ model, data: parts.test });
      Pipeline.feedback({ on: auc.signals.drift, to: model, hook: Hook.rerun({ armAt: 1 }) });
      return { model, auc };
    });
    assert.deepStrictEqual(
      pipeline.nodes.map(({ info, inputs }) => [info.name, inputs]),
      [
        ["split", {}],
        ["fit", { data: { node: "split", port: "train" } }],
        ["score", { model: { node: "fit" }, data: { node: "split", port: "test" } }],
      ],
    );
    assert.deepStrictEqual(pipeline.outputSources, {
      model: { node: "fit" },
      auc: { node: "score" },
    });
    assert.deepStrictEqual(
      pipeline.feedback.map(({ node, signal, to }) => ({ node, signal, to })),
      [{ node: "score", signal: "DataDrift", to: "fit" }],
    );
    assert.strictEqual(pipeline.description, "flights");
    const file = fileURLToPath(import.meta.url);
    assert.strictEqual(pipeline.declaredAt?.file, file);
    for (const { calledAt } of pipeline.nodes) assert.strictEqual(calledAt?.file, file);
  });

  it("takes one stage twice under two names, and two pipelines share stages", () => {
    const build = () => {
      const parts = split();
      const first = fit({ data: parts.train });
      const second = Stage.named("fit-2", fit)({ data: parts.train });
      return { one: score({ model: first, data: parts.test }), second };
    };
    const names = ["a", "b"].map((name) =>
      Pipeline.make(name, { charter }, build).nodes.map(({ info }) => info.name),
    );
    assert.deepStrictEqual(names[0], ["split", "fit", "fit-2", "score"]);
    assert.deepStrictEqual(names[1], names[0]);
  });

  it("leaves nothing behind when the description throws", () => {
    assert.throws(() =>
      Pipeline.make("bad", { charter }, () => {
        throw new Error("typo");
      }),
    );
    assert.throws(() => split(), /outside Pipeline.make/);
  });
});

describe("a graph that makes no sense is refused, with the stage and what to change", () => {
  it("a stage called twice", () => {
    const error = invalid(() => {
      const parts = split();
      return { a: fit({ data: parts.train }), b: fit({ data: parts.train }) };
    });
    assert.strictEqual(error.stage, "fit");
    assert.strictEqual(error.file, fileURLToPath(import.meta.url));
    assert.include(error.message, 'pipeline "delays", stage "fit": it is called twice');
    assert.include(error.message, 'Stage.named("fit-2", fit)');
  });

  it("a missing input, or one that is no reference", () => {
    for (const nothing of [{}, { data: undefined }, { data: null }, { data: 7 }]) {
      const error = invalid(() => ({ model: fit(nothing as unknown as { data: Ref.Ref<never> }) }));
      assert.include(error.message, 'stage "fit": its input "data" is missing');
    }
  });

  it("an input that the stage does not have", () => {
    const error = invalid(() => {
      const { train, test } = split();
      return { model: fit({ data: train, labels: test } as { data: typeof train }) };
    });
    assert.include(error.message, 'it has no input "labels". It takes data');
  });

  it("the wrong kind, wired with a cast", () => {
    const error = invalid(() => {
      const { test } = split();
      return { model: fit({ data: test as unknown as Ref.Ref<{ role: "train" }> }) };
    });
    assert.include(
      error.message,
      'its input "data" takes Table<flight, train>, but gets Table<flight, test> from "split.test"',
    );
  });

  it("all of a stage that has several outputs", () => {
    const error = invalid(() => ({
      model: fit({ data: split() as unknown as Ref.Ref<{ role: "train" }> }),
    }));
    assert.match(error.message, /gets all of "split"/);
  });

  it("a reference that was made in another pipeline", () => {
    const leaked: Array<Ref.Ref<{ readonly role: "train" }>> = [];
    Pipeline.make("other", { charter }, () => {
      const parts = split();
      leaked.push(parts.train);
      return { train: parts.train };
    });
    const [ref] = leaked;
    assert.isDefined(ref);
    assert.match(invalid(() => ({ model: fit({ data: ref }) })).message, /of another pipeline/);
    assert.match(
      invalid(() => ({ train: split().train, leaked: { ...ref, source: { node: "x" } } })).message,
      /its output "leaked" does not come from one of its stages/,
    );
  });

  it("another version of a contract", () => {
    const flight = (version: string) =>
      Contract.make("flight", { version, owner: "ops", columns: { delay: Column.int() } });
    const under = (version: string) =>
      Schema.String.annotate(Contract.annotationsOf(flight(version)));
    const read = Stage.make("read", {
      input: {},
      output: under("1.0"),
      run: () => Effect.succeed("x"),
    });
    const check = (version: string) =>
      Stage.make("check", {
        input: { table: under(version) },
        output: Schema.Int,
        run: () => Effect.succeed(1),
      });
    const error = invalid(() => ({ out: check("2.0")({ table: read() }) }));
    assert.include(error.message, "is under contract flight 2.0, but gets contract flight 1.0");
    assert.doesNotThrow(() =>
      Pipeline.make("p", { charter }, () => ({ out: check("1.0")({ table: read() }) })),
    );
  });

  it("a stage that leads nowhere", () => {
    const error = invalid(() => {
      const parts = split();
      fit({ data: parts.train });
      return { test: parts.test };
    });
    assert.include(error.message, 'stage "fit": nothing uses its output');
  });

  it("a stage that was built for another charter", () => {
    const other = Stage.make("judge", {
      input: {},
      output: Schema.Int,
      charter: charterWith({ smallestGain: 9 }),
      run: () => Effect.succeed(1),
    });
    assert.match(invalid(() => ({ out: other() })).message, /built for another charter/);
  });

  it("no stages", () => {
    assert.match(invalid(() => ({})).message, /it has no stages/);
  });

  it("a hook that leaves the pipeline", () => {
    const signals: Array<Ref.SignalRef<string>> = [];
    const build = () => {
      const parts = split();
      const auc = score({ model: fit({ data: parts.train }), data: parts.test });
      signals.push(auc.signals.drift);
      return { auc };
    };
    Pipeline.make("other", { charter }, build);
    const [foreign] = signals;
    assert.isDefined(foreign);
    const hook = Hook.rerun({ armAt: 1 });
    const error = invalid(() => {
      const parts = split();
      Pipeline.feedback({ on: foreign, to: parts, hook });
      return { train: parts.train };
    });
    assert.match(
      error.message,
      /the hook on signal "DataDrift" of stage "score" to "split" leaves/,
    );
    assert.throws(() => Pipeline.feedback({ on: foreign, hook }), /outside Pipeline.make/);
  });
});

describe("kinds", () => {
  const narrow = Schema.String.annotate({ title: "Verdict<passed>" });
  const wide = Schema.String.annotate({ title: "Verdict" });
  const wire = (from: typeof narrow, to: typeof narrow) => () => {
    const make = Stage.make("make", { input: {}, output: from, run: () => Effect.succeed("x") });
    const take = Stage.make("take", {
      input: { it: to },
      output: Schema.Int,
      run: () => Effect.succeed(1),
    });
    return Pipeline.make("p", { charter }, () => ({ out: take({ it: make() }) }));
  };

  it("a narrower kind fits the wider, not the other way round", () => {
    assert.doesNotThrow(wire(narrow, wide));
    assert.throws(wire(wide, narrow), /takes Verdict<passed>, but gets Verdict/);
    assert.doesNotThrow(wire(Schema.String.annotate({}), narrow));
  });
});
