/**
 * The process that is killed: runs a pipeline with branches, groups, a fan-out, a retry and an approval in a state
 * folder, or goes on with its newest run. Each execution of a stage is noted in a file.
 *
 *   node program.js STATE NOTES
 */
import * as fs from "node:fs";
import {
  Artifact,
  Charter,
  Engine,
  LocalEngine,
  Pipeline,
  Run,
  Stage,
  Store,
  StoredList,
} from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Schedule from "effect/Schedule";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";

const [, , state = "", notes = ""] = process.argv;

/** What the uninterrupted and the killed run must agree on, and how often each stage began. */
const note = (stage: string) => Effect.sync(() => fs.appendFileSync(notes, `${stage}\n`));

const charter = Charter.make({
  title: "crash",
  decision: { question: "?", madeAt: "now", actor: "nobody", outcomeKnownAfter: 0 },
  metric: {
    name: "cost",
    unit: "USD",
    costs: { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 },
  },
  baseline: { name: "none", description: "", rule: null },
  smallestGain: 1,
  surface: "none",
  kill: { on: "2100-01-01", criterion: "never" },
  owner: "tests",
});

const rows = (seed: number) =>
  Array.from({ length: 4000 }, (_, index) => (index * 7919 + seed * 104_729) % 1009);
const Rows = Schema.Struct({ file: Artifact.Artifact, rows: Schema.Int });
type Rows = typeof Rows.Type;

const write = Effect.fnUntraced(function* (values: ReadonlyArray<number>) {
  const store = yield* Artifact.ArtifactStore;
  return { file: yield* store.putJson(values), rows: values.length } satisfies Rows;
});
const read = Effect.fnUntraced(function* ({ file }: Rows) {
  const store = yield* Artifact.ArtifactStore;
  return yield* Schema.decodeUnknownEffect(Schema.Array(Schema.Finite))(
    yield* store.readJson(file),
  );
});

const ingest = (region: number) =>
  Stage.make("ingest", {
    input: {},
    output: Rows,
    params: { region },
    run: () => Effect.andThen(note(`ingest ${region}`), write(rows(region))),
  });

/** Twelve parts of a table, each noted by itself. */
const part = Stage.make("part", {
  input: { from: Schema.Int, data: Rows },
  output: Rows,
  run: Effect.fnUntraced(function* ({ from, data }) {
    yield* note(`part ${from}`);
    const values = yield* read(data);
    return yield* write(values.slice(from * 100, (from + 1) * 100));
  }),
});
const parts = Stage.forEachStored("parts", part, { each: "from", key: String, concurrency: 3 });
const numbers = Stage.make("numbers", {
  input: {},
  output: StoredList.of(Schema.Int),
  run: () => Effect.andThen(note("numbers"), StoredList.write(Stream.range(0, 11), Schema.Int)),
});
const count = Stage.make("count", {
  input: { parts: Stage.storedItemsOf(Rows) },
  output: Schema.Int,
  run: ({ parts }) => Effect.as(note("count"), parts.items.count),
});

class Flaky extends Schema.TaggedError<Flaky>()("Flaky", {}) {}
const attempted = new Set<string>();
const clean = (region: number) =>
  Stage.retry(
    Stage.make("clean", {
      input: { data: Rows },
      output: Rows,
      run: Effect.fnUntraced(function* ({ data }) {
        const values = yield* read(data);
        if (!attempted.has(`${region}`)) {
          attempted.add(`${region}`);
          return yield* new Flaky();
        }
        yield* note(`clean ${region}`);
        return yield* write(values.filter((value) => value % 2 === region % 2));
      }),
    }),
    { Flaky: Schedule.spaced("1 millis").pipe(Schedule.upTo({ times: 2 })) },
  );

const merge = Stage.make("merge", {
  input: { a: Rows, b: Rows, c: Rows },
  output: Rows,
  run: Effect.fnUntraced(function* ({ a, b, c }) {
    yield* note("merge");
    return yield* write([...(yield* read(a)), ...(yield* read(b)), ...(yield* read(c))]);
  }),
});

const isLarge = Stage.make("is-large", {
  input: { data: Rows },
  output: Schema.Boolean,
  run: ({ data }) => Effect.as(note("is-large"), data.rows > 100),
});

const model = (name: string) =>
  Stage.make(name, {
    input: { data: Rows },
    output: Rows,
    run: Effect.fnUntraced(function* ({ data }) {
      yield* note(name);
      const values = yield* read(data);
      return yield* write([values.reduce((sum, value) => sum + value, 0), values.length]);
    }),
  });

const signOff = Stage.approval("sign-off", {
  question: "May it go out?",
  evidence: Rows,
  approvers: ["ana"],
  input: Schema.Struct({ percent: Schema.Int }),
});
const release = Stage.make("release", {
  input: {
    model: Rows,
    approval: Stage.approved(Schema.Struct({ percent: Schema.Int })),
  },
  output: Rows,
  cache: "never",
  run: Effect.fnUntraced(function* ({ model, approval }) {
    yield* note("release");
    return yield* write([...(yield* read(model)), approval.input.percent]);
  }),
});

const pipeline = Pipeline.make("crash", { charter }, () => {
  const region = (name: string, index: number) =>
    Pipeline.group(name, () => clean(index)({ data: ingest(index)() }));
  const data = merge({ a: region("a", 1), b: region("b", 2), c: region("c", 3) });
  const trained = Stage.when("size", {
    if: isLarge({ data }),
    yes: () => model("large")({ data }),
    no: () => model("small")({ data }),
  });
  const counted = count({ parts: parts({ from: numbers(), data }) });
  return {
    out: release({ model: trained, approval: signOff({ evidence: trained }) }),
    counted,
  };
});

const program = Effect.gen(function* () {
  const store = yield* Store.Store;
  const engine = yield* Engine.Engine;
  const [newest] = yield* store.runs(1, pipeline.name);
  // Killed after its last record: nothing is left to do.
  if (newest?.status === "succeeded") {
    const run = Option.getOrThrow(yield* store.run(newest.id));
    return Run.outputsOf(run, "release")?.[""];
  }
  const unfinished = newest?.status === "interrupted" || newest?.status === "suspended";
  const options = unfinished ? { resume: newest.id } : {};
  return (yield* engine.run(pipeline, options)).outputs.out;
}).pipe(
  Effect.provideService(Engine.CodeOf, () =>
    Effect.succeed({ _tag: "Known", parts: { program: "1" } } as const),
  ),
  Effect.provide(
    LocalEngine.layer.pipe(
      Layer.provideMerge(
        Layer.merge(Store.Store.layer(state), Artifact.ArtifactStore.layer(state)),
      ),
    ),
  ),
);

const exit = await Effect.runPromiseExit(program);
if (Exit.isSuccess(exit)) process.stdout.write(JSON.stringify(exit.value));
else {
  const error = exit.cause.reasons.map((reason) => ("error" in reason ? reason.error : reason));
  const [first] = error;
  const suspended = first instanceof Error && first.name === "ApprovalPending";
  if (!suspended) process.stderr.write(String(first));
  process.exitCode = suspended ? 4 : 1;
}
