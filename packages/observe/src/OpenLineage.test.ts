import * as fs from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { Column, Contract, type Engine, Pipeline, type Run, Stage } from "@ml-pipe/core";
import { assert, describe, it } from "@effect/vitest";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { collector, nobody, type Received } from "./internal/collector.fixture.ts";
import { problemsOf } from "./internal/lineage/published.fixture.ts";
import { charter, keptLogs, runIn, temporaryFolder } from "./internal/observe.fixture.ts";
import * as OpenLineage from "./OpenLineage.ts";

const Flight = Contract.make("flight", {
  version: "1.2.0",
  owner: "flight-operations",
  description: "one row for each flight",
  columns: {
    origin: Column.string({ description: "airport" }),
    delay: Column.int({ unit: "min", availableAt: "outcome" }),
  },
});

const digest = (letter: string) => `sha256-${letter.repeat(64)}`;

/** A table as packages above core record it. */
const Table = Schema.Struct({
  contract: Schema.Struct({ name: Schema.String, version: Schema.String, digest: Schema.String }),
  role: Schema.String,
  rows: Schema.Int,
  data: Schema.Union([
    Schema.TaggedStruct("artifact", {
      artifact: Schema.Struct({
        digest: Schema.String,
        bytes: Schema.Int,
        mediaType: Schema.String,
      }),
    }),
    Schema.TaggedStruct("source", {
      file: Schema.Struct({ path: Schema.String, digest: Schema.String, bytes: Schema.Int }),
    }),
  ]),
}).annotate(Contract.annotationsOf(Flight));

const table = (role: string, data: (typeof Table.Type)["data"], rows = 12) => ({
  contract: { name: "flight", version: "1.2.0", digest: digest("c") },
  role,
  rows,
  data,
});

const source = { path: import.meta.filename, digest: digest("a"), bytes: 4096 };

class Shut extends Schema.TaggedError<Shut>()("Shut", {}) {
  readonly [Stage.stops] = true;
  override get message() {
    return "the gate is shut";
  }
}

class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {
  override get message() {
    return "it broke";
  }
}

const ingest = Stage.make("ingest", {
  description: "reads the flights",
  input: {},
  output: Table,
  fingerprint: Effect.succeed({ path: source.path, digest: source.digest }),
  run: () => Effect.succeed(table("raw", { _tag: "source", file: source })),
});

const validate = Stage.make("validate", {
  input: { raw: Table },
  outputs: { good: Table, rejected: Table, report: Schema.Json },
  run: ({ raw }, { finding }) =>
    Effect.gen(function* () {
      yield* finding({
        check: "delay.range",
        severity: "warn",
        column: "delay",
        expected: "at most 2880 min",
        found: "3 rows above",
        next: "ask the owner",
      });
      const artifact = (letter: string) => ({
        digest: digest(letter),
        bytes: 100,
        mediaType: "application/vnd.apache.parquet",
      });
      return {
        good: table("checked", { _tag: "artifact", artifact: artifact("b") }, raw.rows - 3),
        rejected: table("raw", { _tag: "artifact", artifact: artifact("d") }, 3),
        report: { kept: artifact("e"), note: "see there" },
      };
    }),
});

const train = <E>(end: Effect.Effect<number, E>) =>
  Stage.make("train", { input: { data: Table }, output: Schema.Int, run: () => end });

const flights = <E>(end: Effect.Effect<number, E>) =>
  Pipeline.make("flights", { charter, description: "predicts delays" }, () => {
    const { good } = validate({ raw: ingest() });
    return { out: train(end)({ data: good }) };
  });

/** Runs a pipeline, and gives the lineage of it as it was told. */
const lineageOf = Effect.fnUntraced(function* <A, E>(
  folder: string,
  pipeline: Pipeline.Pipeline<A, E, never>,
  options: Engine.RunOptions = {},
) {
  const { run, events } = yield* runIn(folder, pipeline, options);
  const translate = OpenLineage.translate({ namespace: "tests" });
  return { run, lineage: events.flatMap(translate) };
});

const told = (lineage: ReadonlyArray<OpenLineage.LineageEvent>) =>
  lineage.map(({ eventType, job }) => `${eventType} ${job.name}`);

const jobEnd = (lineage: ReadonlyArray<OpenLineage.LineageEvent>, name: string) => {
  const found = lineage.find(({ job, eventType }) => job.name === name && eventType !== "START");
  if (found === undefined) throw new Error(`no end of ${name}`);
  return found;
};

const allProblems = (lineage: ReadonlyArray<OpenLineage.LineageEvent>) =>
  lineage.flatMap((made) => problemsOf(made).map((problem) => `${made.job.name} ${problem}`));

const noSecrets = keptLogs().layer;

describe("a run in the words of OpenLineage", () => {
  it.effect("fits the published schema, each facet its own", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const { lineage } = yield* lineageOf(folder, flights(Effect.succeed(1)));
      assert.deepStrictEqual(told(lineage), [
        "START flights",
        "START flights.ingest",
        "COMPLETE flights.ingest",
        "START flights.validate",
        "COMPLETE flights.validate",
        "START flights.train",
        "COMPLETE flights.train",
        "COMPLETE flights",
      ]);
      assert.deepStrictEqual(allProblems(lineage), []);
    }).pipe(Effect.provide(noSecrets)),
  );

  it.effect("says which data each stage read and wrote, with columns, rows and bytes", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const { lineage } = yield* lineageOf(folder, flights(Effect.succeed(1)));
      const names = (
        datasets: ReadonlyArray<{ readonly namespace: string; readonly name: string }>,
      ) => datasets.map(({ namespace, name }) => `${namespace}:${name}`);
      const [read, checked, trained] = ["ingest", "validate", "train"].map((stage) =>
        jobEnd(lineage, `flights.${stage}`),
      );
      assert.deepStrictEqual(names(read?.inputs ?? []), [
        pathToFileURL(source.path).href.replace("file://", "file:"),
      ]);
      assert.deepStrictEqual(names(read?.outputs ?? []), ["tests:flights.ingest"]);
      assert.deepStrictEqual(names(checked?.inputs ?? []), ["tests:flights.ingest"]);
      assert.deepStrictEqual(names(checked?.outputs ?? []), [
        "tests:flights.validate.good",
        "tests:flights.validate.rejected",
        "tests:flights.validate.report.kept",
      ]);
      assert.deepStrictEqual(names(trained?.inputs ?? []), ["tests:flights.validate.good"]);
      assert.deepStrictEqual(trained?.outputs, []);

      const [good] = checked?.outputs ?? [];
      assert.deepInclude(good?.outputFacets["outputStatistics"], {
        rowCount: 9,
        size: 100,
        fileCount: 1,
      });
      assert.deepInclude(good?.facets["schema"], {
        fields: [
          { name: "origin", type: "string", ordinal_position: 1, description: "airport" },
          { name: "delay", type: "int", ordinal_position: 2, description: "min" },
        ],
      });
      assert.deepInclude(good?.facets["version"], { datasetVersion: digest("b") });
      assert.deepInclude(good?.facets["datasetType"], { datasetType: "TABLE", subType: "checked" });
      assert.deepInclude(good?.facets["ownership"], {
        owners: [{ name: "flight-operations", type: "OWNER" }],
      });
      const [raw] = checked?.inputs ?? [];
      assert.deepInclude(raw?.inputFacets["inputStatistics"], { rowCount: 12, size: 4096 });
      assert.deepInclude(raw?.inputFacets["dataQualityAssertions"], {
        assertions: [
          {
            assertion: "delay.range",
            success: false,
            severity: "warn",
            column: "delay",
            expected: "at most 2880 min",
            actual: "3 rows above",
            description: "ask the owner",
          },
        ],
      });
    }).pipe(Effect.provide(noSecrets)),
  );

  it.effect("says which stages belong to it, where they are and who answers", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const causedBy = { trigger: "nightly", occurrence: "2026-11-24T03:00:00.000Z" };
      const { run, lineage } = yield* lineageOf(folder, flights(Effect.succeed(1)), { causedBy });
      const whole = jobEnd(lineage, "flights");
      const stage = jobEnd(lineage, "flights.ingest");
      const parent = {
        run: { runId: whole.run.runId },
        job: { namespace: "tests", name: "flights" },
      };
      assert.deepInclude(stage.run.facets["parent"], { ...parent, root: parent });
      assert.lengthOf(new Set(lineage.map(({ run }) => run.runId)), 4);
      assert.match(whole.run.runId, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
      assert.deepInclude(whole.run.facets["nominalTime"], {
        nominalStartTime: causedBy.occurrence,
      });
      assert.deepInclude(whole.job.facets["ownership"], {
        owners: [{ name: "passenger-care", type: "OWNER" }],
      });
      assert.deepInclude(stage.job.facets["documentation"], { description: "reads the flights" });
      const { href } = pathToFileURL(import.meta.filename);
      const url = stage.job.facets["sourceCodeLocation"]?.["url"];
      assert.strictEqual(String(url).replace(/#L\d+$/, ""), href);
      assert.deepInclude(stage.run.facets["tags"]?.["tags"], {
        key: "ml_pipe.run.id",
        value: run.id,
        source: "ML_PIPE",
      });
    }).pipe(Effect.provide(noSecrets)),
  );

  it.effect("is the same when it is made from the record, later", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      for (const end of [Effect.succeed(1), Effect.fail(new Broken())]) {
        const { run, lineage } = yield* lineageOf(folder, flights(end));
        assert.deepStrictEqual(OpenLineage.events(run, { namespace: "tests" }), lineage);
      }
    }).pipe(Effect.provide(noSecrets)),
  );

  it.effect("has stages that are reused, with the data that they stand for", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const first = yield* lineageOf(folder, flights(Effect.succeed(1)));
      // Its artifacts are made up, so only the ingest, which has none, is reused.
      const second = yield* lineageOf(folder, flights(Effect.succeed(1)));
      const ingested = jobEnd(second.lineage, "flights.ingest");
      assert.deepStrictEqual(told(second.lineage).slice(0, 3), told(first.lineage).slice(0, 3));
      assert.deepStrictEqual(
        ingested.outputs.map(({ name }) => name),
        ["flights.ingest"],
      );
      assert.deepInclude(ingested.run.facets["tags"]?.["tags"], {
        key: "ml_pipe.cache.reused_from",
        value: first.run.id,
        source: "ML_PIPE",
      });
      assert.deepStrictEqual(allProblems(second.lineage), []);
      assert.notStrictEqual(ingested.run.runId, jobEnd(first.lineage, "flights.ingest").run.runId);
    }).pipe(Effect.provide(noSecrets)),
  );
});

describe("a run that does not succeed", () => {
  const cases: ReadonlyArray<readonly [string, Effect.Effect<never, Broken | Shut>, string]> = [
    ["fails", Effect.fail(new Broken()), "Broken: it broke"],
    ["is stopped", Effect.fail(new Shut()), "Shut: the gate is shut"],
  ];
  for (const [name, end, message] of cases) {
    it.effect(`because a stage ${name} ends like it, with the reason`, () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder;
        const { lineage } = yield* lineageOf(folder, flights(end));
        for (const job of ["flights", "flights.train"]) {
          const ended = jobEnd(lineage, job);
          assert.strictEqual(ended.eventType, "FAIL");
          assert.deepInclude(ended.run.facets["errorMessage"], { message });
        }
        assert.deepStrictEqual(allProblems(lineage), []);
      }).pipe(Effect.provide(noSecrets)),
    );
  }

  it.effect("has no events of stages that never began", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const broken = Stage.make("broken", {
        input: {},
        output: Table,
        run: () => Effect.fail(new Broken()),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({
        out: train(Effect.succeed(1))({ data: broken() }),
      }));
      const { lineage } = yield* lineageOf(folder, pipeline);
      assert.deepStrictEqual(told(lineage), [
        "START p",
        "START p.broken",
        "FAIL p.broken",
        "FAIL p",
      ]);
    }).pipe(Effect.provide(noSecrets)),
  );

  it.effect("goes on as another run: one run has one end", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const first = yield* lineageOf(folder, flights(Effect.fail(new Broken())));
      const second = yield* lineageOf(folder, flights(Effect.succeed(1)), { resume: first.run.id });
      assert.strictEqual(second.run.id, first.run.id);
      const both = [...first.lineage, ...second.lineage];
      const ends = both.filter(({ eventType }) => eventType !== "START");
      assert.lengthOf(new Set(ends.map(({ run }) => run.runId)), ends.length);
      const starts = both.filter(({ eventType }) => eventType === "START");
      assert.deepStrictEqual(
        starts.map(({ run }) => run.runId).toSorted(),
        ends.map(({ run }) => run.runId).toSorted(),
      );
      assert.deepStrictEqual(allProblems(both), []);
    }).pipe(Effect.provide(noSecrets)),
  );

  it("is aborted if it was interrupted or waits", () => {
    const translate = OpenLineage.translate();
    const stage = { stage: "s", status: "suspended" } as const;
    const record: Run.StageRun = {
      ...stage,
      run: "r",
      startedAt: new Date(1),
      endedAt: new Date(2),
      cacheNote: "",
      findings: [],
      exhibits: [],
      signals: [],
    };
    const run = emptyRun({ status: "running" });
    const made = [
      ...translate({ _tag: "RunStarted", run }),
      ...translate({ _tag: "StageStarted", stage: { ...record, status: "running" } }),
      ...translate({ _tag: "StageEnded", stage: record }),
      ...translate({ _tag: "RunEnded", run: emptyRun({ status: "interrupted" }) }),
    ];
    assert.deepStrictEqual(told(made), ["START p", "START p.s", "ABORT p.s", "ABORT p"]);
    assert.deepStrictEqual(allProblems(made), []);
  });
});

const emptyRun = (change: Pick<Run.Run, "status">): Run.Run => ({
  id: "r",
  pipeline: "p",
  startedAt: new Date(1),
  endedAt: new Date(3),
  pid: 1,
  graph: {
    pipeline: "p",
    description: "",
    charter: charter.spec,
    charterDigest: charter.digest,
    stages: [],
    feedback: [],
    contracts: {},
  },
  stages: [],
  hooks: [],
  ...change,
});

describe("the check against the published schema", () => {
  it("finds what is wrong: no UUID, no time, an unknown or a broken facet", () => {
    const [start] = OpenLineage.translate()({
      _tag: "RunStarted",
      run: emptyRun({ status: "running" }),
    });
    assert.isDefined(start);
    const { run, job } = start;
    const tags = { ...run.facets["tags"], tags: "none" };
    const wrong: ReadonlyArray<readonly [string, object]> = [
      ["/run/runId must match format", { run: { ...run, runId: "20261124-072342" } }],
      ["/eventTime must match format", { eventTime: "yesterday" }],
      ["/eventType must be equal", { eventType: "ENDED" }],
      ["must have required property", { job: { namespace: "n", facets: {} } }],
      ["tags: /tags/tags must be array", { run: { ...run, facets: { tags } } }],
      ["other: ", { run: { ...run, facets: { other: run.facets["tags"] } } }],
      [
        "jobType: no schema",
        { job: { ...job, facets: { jobType: { _producer: "p:p", _schemaURL: "u:u" } } } },
      ],
    ];
    assert.deepStrictEqual(problemsOf(start), []);
    for (const [problem, change] of wrong) {
      const problems = problemsOf({ ...start, ...change }).join("\n");
      assert.include(problems, problem);
    }
  });
});

/** Runs a pipeline with these variables; what it logs. */
const runWith = Effect.fnUntraced(function* (environment: { readonly [name: string]: string }) {
  const folder = yield* temporaryFolder;
  const { lines, layer } = keptLogs();
  const { run } = yield* Effect.gen(function* () {
    const { onEvent } = yield* OpenLineage.OpenLineage;
    return yield* runIn(folder, flights(Effect.succeed(1)), { onEvent });
  }).pipe(
    Effect.provide(OpenLineage.layer),
    Effect.provide(
      Layer.merge(layer, ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment))),
    ),
  );
  return { run, lines, warnings: lines.filter((line) => line.includes("lineage")) };
});

const types = (bodies: ReadonlyArray<string>) =>
  bodies.map((body) => {
    const { eventType, job } = Schema.decodeUnknownSync(
      Schema.fromJsonString(
        Schema.Struct({
          eventType: Schema.String,
          job: Schema.Struct({ namespace: Schema.String, name: Schema.String }),
        }),
      ),
    )(body);
    return `${eventType} ${job.namespace}:${job.name}`;
  });

const bodies = (received: ReadonlyArray<Received>) => received.map(({ body }) => body);

describe("lineage goes", () => {
  it.live("to a file, after what is there", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = path.join(folder, "new folder", "lineage.ndjson");
      const environment = { OPENLINEAGE_URL: pathToFileURL(file).href };
      yield* runWith(environment);
      const { warnings } = yield* runWith({ ...environment, OPENLINEAGE_NAMESPACE: "nightly" });
      const lines = fs.readFileSync(file, "utf8").trim().split("\n");
      assert.lengthOf(lines, 16);
      assert.strictEqual(types(lines)[0], "START default:flights");
      assert.strictEqual(types(lines)[15], "COMPLETE nightly:flights");
      assert.deepStrictEqual(warnings, []);
    }),
  );

  it.live("to a server, in order, with the key", () =>
    Effect.gen(function* () {
      const { url, received } = yield* collector(() => 201);
      const { warnings } = yield* runWith({
        OPENLINEAGE_URL: `${url}/base/`,
        OPENLINEAGE_API_KEY: "hunter2",
      });
      assert.deepStrictEqual(warnings, []);
      assert.deepStrictEqual(types(bodies(received)), [
        "START default:flights",
        "START default:flights.ingest",
        "COMPLETE default:flights.ingest",
        "START default:flights.validate",
        "COMPLETE default:flights.validate",
        "START default:flights.train",
        "COMPLETE default:flights.train",
        "COMPLETE default:flights",
      ]);
      for (const { path, headers } of received) {
        assert.strictEqual(path, "/base/api/v1/lineage");
        assert.strictEqual(headers.authorization, "Bearer hunter2");
        assert.strictEqual(headers["content-type"], "application/json");
      }
    }),
  );

  it.live("to another endpoint, and once more if the server is busy", () =>
    Effect.gen(function* () {
      let requests = 0;
      const { url, received } = yield* collector(() => (requests++ === 0 ? 503 : 200));
      const { warnings } = yield* runWith({
        OPENLINEAGE_URL: url,
        OPENLINEAGE_ENDPOINT: "/events",
      });
      assert.deepStrictEqual(warnings, []);
      assert.lengthOf(received, 9);
      assert.strictEqual(received[0]?.body, received[1]?.body);
      assert.strictEqual(received[0]?.path, "/events");
      assert.isUndefined(received[0]?.headers.authorization);
    }),
  );

  it.live("nowhere, if nobody asks or it is switched off", () =>
    Effect.gen(function* () {
      const { url, received } = yield* collector();
      yield* runWith({});
      yield* runWith({ OPENLINEAGE_URL: url, OPENLINEAGE_DISABLED: "true" });
      assert.deepStrictEqual(received, []);
    }),
  );
});

describe("a place for lineage that does not work", () => {
  const cases = [
    ["that is not there", "cannot be reached (ECONNREFUSED)", nobody],
    [
      "that refuses",
      "answers with status 401",
      Effect.map(
        collector(() => 401),
        ({ url }) => url,
      ),
    ],
    [
      "that fails",
      "answers with status 500",
      Effect.map(
        collector(() => 500),
        ({ url }) => url,
      ),
    ],
    [
      "that never answers",
      "is too slow",
      Effect.map(
        collector(() => "nothing"),
        ({ url }) => url,
      ),
    ],
    [
      "that is no file",
      "cannot be written",
      Effect.map(temporaryFolder, (folder) => pathToFileURL(folder).href),
    ],
    ["that is no place", "its settings are not valid", Effect.succeed("no url")],
    ["of another kind", "is neither http://", Effect.succeed("kafka://broker/topic")],
    ["on another machine", "is neither http://", Effect.succeed("file://host/lineage.ndjson")],
  ] as const;
  for (const [name, words, where] of cases) {
    it.live(`${name} is one warning, and the run is not concerned`, () =>
      Effect.gen(function* () {
        const url = yield* where;
        const { run, lines, warnings } = yield* runWith({
          OPENLINEAGE_URL: url,
          OPENLINEAGE_API_KEY: "hunter2",
        });
        assert.strictEqual(run.status, "succeeded");
        assert.lengthOf(warnings, 1, lines.join("\n"));
        assert.include(warnings[0], words);
        assert.notInclude(lines.join("\n"), "hunter2");
      }),
    );
  }
});
