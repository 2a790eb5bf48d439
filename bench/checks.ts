/**
 * Checks on generated tables of 10 columns, and of 200, against one scan with the same aggregates that
 * an engineer would write by hand in SQL: side by side, in turns. Each case has a process of its own, so
 * that its peak memory is its own. Without arguments: one and ten million rows, and `wide`, 200 columns.
 *
 *     npx node --conditions=@ml-pipe/source bench/checks.ts
 *     npx node --conditions=@ml-pipe/source bench/checks.ts 100000000
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Artifact, Check, Column, Contract, Stage } from "@ml-pipe/core";
import { Duckdb, Profile, Table } from "@ml-pipe/data";
import { Validate } from "@ml-pipe/validate";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";

/** A check of any columns. */
type AnyCheck = Check.Check<never>;

/** Checks of a table, and their aggregates by hand. */
interface Case {
  readonly name: string;
  readonly contract: Contract.Contract;
  readonly select: string;
  readonly checks: ReadonlyArray<AnyCheck>;
  readonly byHand: ReadonlyArray<string>;
}

/** Figures of a column of numbers, and rows within limits. */
const ofNumbers = (
  x: string,
  all: boolean,
): readonly [ReadonlyArray<AnyCheck>, ReadonlyArray<string>] => [
  [
    Check.between(x, { between: [0, 1e12] }),
    Check.mean(x, { atLeast: 0 }),
    Check.nullShare(x, { atMost: 0.5 }),
    ...(all
      ? [
          Check.nonNegative(x),
          Check.standardDeviation(x, { atLeast: 0 }),
          Check.min(x, { atLeast: 0 }),
          Check.max(x, { atMost: 1e12 }),
          Check.approxQuantile(x, 0.5, { atLeast: 0 }),
        ]
      : []),
  ],
  [
    `count(${x})`,
    `count_if(${x} NOT BETWEEN 0 AND 1e12)`,
    `avg(${x})`,
    `count_if(${x} IS NULL)`,
    ...(all
      ? [
          `count_if(${x} < 0)`,
          `stddev_samp(${x})`,
          `min(${x})`,
          `max(${x})`,
          `approx_quantile(${x}, 0.5)`,
        ]
      : []),
  ],
];

const ten = {
  id: Column.int(),
  n: Column.int({ nullable: true }),
  a: Column.float({ nullable: true }),
  b: Column.float({ nullable: true }),
  c: Column.float(),
  d: Column.float(),
  code: Column.string(),
  word: Column.string({ nullable: true }),
  at: Column.timestamp(),
  yes: Column.boolean({ nullable: true }),
};

/** What the contract itself checks of the ten columns. */
const ownOfTen = [
  "count(*)",
  ...["id", "n"].map((x) => `count_if(${x} NOT BETWEEN -9007199254740991 AND 9007199254740991)`),
  ...["id", "c", "d", "code"].map((x) => `count(*) - count(${x})`),
  `count(*) - count("at")`,
  ...["a", "b", "c", "d"].map((x) => `count_if(NOT isfinite(${x}))`),
  "count(code)",
  "count(word)",
  "count(yes)",
  'count_if("at" NOT BETWEEN make_timestamp(-8640000000000000000) AND make_timestamp(8640000000000000000))',
];

const casesOfTen = (rows: number): ReadonlyArray<Case> => {
  const select = `SELECT i AS id, CASE WHEN i % 50 <> 0 THEN i % 1000 END AS n,
    CASE WHEN i % 20 <> 0 THEN (hash(i) % 100000) / 7.0 END AS a,
    CASE WHEN i % 10 <> 0 THEN sqrt(i) END AS b, (hash(i + 1) % 1000) / 3.0 AS c, i / 3.0 AS d,
    chr(CAST(65 + hash(i) % 26 AS INTEGER)) || chr(CAST(65 + hash(i + 7) % 26 AS INTEGER)) AS code,
    CASE WHEN i % 5 <> 0 THEN 'word ' || (hash(i) % 5000) END AS word,
    TIMESTAMP '2001-01-01' + to_seconds(i % 10000000) AS at, CASE WHEN i % 9 <> 0 THEN i % 2 = 0 END AS yes
    FROM range(${rows}) t(i)`;
  const contract = Contract.make("ten", { version: "1", owner: "bench", columns: ten });
  const few = ["id", "n", "a", "b"].map((x) => ofNumbers(x, false));
  const many = ["id", "n", "a", "b", "c", "d"].map((x) => ofNumbers(x, true));
  const about = { contract, select };
  return [
    {
      ...about,
      name: `16 checks, ${rows / 1e6} M × 10`,
      checks: [
        ...few.flatMap(([checks]) => checks),
        Check.length("code", { equals: 2 }),
        Check.length("word", { between: [6, 9] }),
        Check.min("at", { atLeast: new Date("2001-01-01") }),
        Check.nullShare("yes", { atMost: 0.5 }),
      ],
      byHand: [
        ...ownOfTen,
        ...few.flatMap(([, sql]) => sql),
        "count_if(length(code) <> 2)",
        "count_if(length(word) NOT BETWEEN 6 AND 9)",
        'min("at")',
        "count_if(yes IS NULL)",
      ],
    },
    {
      ...about,
      name: `60 checks, ${rows / 1e6} M × 10`,
      checks: [
        ...many.flatMap(([checks]) => checks),
        ...["code", "word"].flatMap((x) => [
          Check.length(x, { between: [2, 9] }),
          Check.matches(x, "[A-Za-z0-9 ]+"),
          Check.maxLength(x, { atMost: 9 }),
        ]),
        Check.approxDistinctCount("word", { between: [4000, 6000] }),
        Check.min("at", { atLeast: new Date("2001-01-01") }),
        Check.max("at", { atLeast: new Date("2001-01-01") }),
        Check.nullShare("yes", { atMost: 0.5 }),
        Check.correlation("c", "d", { between: [-1, 1] }),
        Check.greaterOrEqual("id", "d"),
      ],
      byHand: [
        ...ownOfTen,
        ...many.flatMap(([, sql]) => sql),
        ...["code", "word"].flatMap((x) => [
          `count_if(length(${x}) NOT BETWEEN 2 AND 9)`,
          `count_if(NOT regexp_full_match(${x}, '[A-Za-z0-9 ]+'))`,
          `max(length(${x}))`,
        ]),
        "approx_count_distinct(word)",
        'min("at")',
        'max("at")',
        "count_if(yes IS NULL)",
        "corr(c, d)",
        "count_if(id < d)",
      ],
    },
  ];
};

const wide = (): Case => {
  const names = Array.from({ length: 200 }, (_, index) => `c${index}`);
  const columns = Object.fromEntries(names.map((name) => [name, Column.float({ nullable: true })]));
  const checks = names.map((name) => ofNumbers(name, false));
  const values = names.map((name, index) => `(hash(i + ${index}) % 100000) / 7.0 AS ${name}`);
  return {
    name: "600 checks, 1 M × 200",
    contract: Contract.make("wide", { version: "1", owner: "bench", columns }),
    select: `SELECT ${values.join(", ")} FROM range(1000000) t(i)`,
    checks: checks.flatMap(([all]) => all),
    byHand: [
      "count(*)",
      ...names.map((x) => `count_if(NOT isfinite(${x}))`),
      ...checks.flatMap(([, sql]) => sql),
    ],
  };
};

const rounds = Number(process.env["ML_PIPE_BENCH_ROUNDS"] ?? 5);

/** Milliseconds of each operation, one for each round; the scan of a wide table is several queries. */
const timings = new Map<string, Array<number>>();
let round = 0;
const timed = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begun = performance.now();
    const note = Effect.sync(() => {
      const rounds = timings.get(name) ?? [];
      rounds[round] = (rounds[round] ?? 0) + performance.now() - begun;
      timings.set(name, rounds);
    });
    return Effect.ensuring(effect, note);
  });

const timedDuckdb = Layer.effect(
  Duckdb.Duckdb,
  Effect.map(Duckdb.Duckdb, (db) =>
    Duckdb.Duckdb.of({
      ...db,
      rows: (operation, sql) => timed(operation, db.rows(operation, sql)),
    }),
  ),
).pipe(Layer.provide(Duckdb.Duckdb.layer({ threads: 2 })));

/** Measures a case; the stage stops after its scan, because of a last check that nothing keeps. */
const measure = Effect.fnUntraced(function* ({ contract, checks, byHand }: Case, file: string) {
  const db = yield* Duckdb.Duckdb;
  const content = yield* Effect.promise(() => Artifact.digestFile(file));
  const expectations = checks.map(({ spec }) => spec);
  const expecting = Contract.fromSpec({ ...contract.spec, expectations });
  const stage = Validate.table(expecting, {
    checks: [Check.columnCount({ atLeast: 1000, name: "stop" })],
    uniqueRows: false,
  });
  const data = Table.make(expecting, "raw", {
    rows: 0,
    data: { _tag: "source", file: { path: file, ...content } },
    split: null,
  });
  const profiled = Object.entries(contract.spec.columns).flatMap(([name, { type }]) =>
    Column.isScalar(type) ? [{ name, type, sql: `"${name}"` }] : [],
  );
  // The stage hands on a profile: whoever writes the scan by hand computes it too.
  const asks = [...new Set([...byHand, ...Profile.asks(profiled)])];
  const sql = `SELECT ${asks.map((ask, index) => `${ask} AS a${index}`).join(", ")} FROM read_parquet('${file}')`;
  for (round = 0; round < rounds; round++) {
    yield* db.rows("by hand", sql);
    const end = yield* timed("stage", Effect.result(stage.run({ data })));
    if (end._tag === "Success" || !/fail stop: /.test(end.failure.message)) {
      return yield* Effect.die(end);
    }
    if (/\n {2}(fail|warn) (?!stop)/.test(end.failure.message)) return yield* Effect.die(end);
  }
  return asks.length;
});

const median = (values: ReadonlyArray<number> = []): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const asked = process.argv.slice(2);
const cases = (asked.length > 0 ? asked : ["1000000", "10000000", "wide"]).flatMap((one) =>
  one === "wide" ? [wide()] : casesOfTen(Number(one)),
);
const child = process.env["ML_PIPE_BENCH_CASE"];

if (child === undefined) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-bench-"));
  const made = new Map<string, string>();
  for (const [index, { name, select }] of cases.entries()) {
    const file = made.get(select) ?? path.join(folder, `${index}.parquet`);
    made.set(select, file);
    const env = { ...process.env, ML_PIPE_BENCH_CASE: String(index), ML_PIPE_BENCH_FILE: file };
    const args = [...process.execArgv, ...process.argv.slice(1)];
    // The file is made in a process of its own, too: its memory is not that of the checks.
    if (!fs.existsSync(file)) {
      spawnSync(process.execPath, args, {
        env: { ...env, ML_PIPE_BENCH_MAKE: "1" },
        stdio: "inherit",
      });
    }
    const { status } = spawnSync(process.execPath, args, { env, stdio: "inherit" });
    if (status !== 0) console.log(`${name}: failed`);
  }
  fs.rmSync(folder, { recursive: true });
} else {
  const one = cases[Number(child)];
  const file = process.env["ML_PIPE_BENCH_FILE"] ?? "";
  if (one === undefined) throw new Error(`no case ${child}`);
  const program =
    process.env["ML_PIPE_BENCH_MAKE"] === undefined
      ? measure(one, file)
      : Duckdb.Duckdb.use((db) =>
          db.execute(
            "make",
            `COPY (${one.select}) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`,
          ),
        ).pipe(Effect.as(0));
  const aggregates = await Effect.runPromise(
    program.pipe(
      Effect.provideService(Stage.Reporter, () => Effect.void),
      Effect.provide(Layer.mergeAll(timedDuckdb, Artifact.ArtifactStore.layerTemporary)),
    ),
  );
  if (aggregates > 0) {
    const ratio = (of: string) =>
      median(
        timings.get(of)?.map((ms, round) => ms / (timings.get("by hand")?.[round] ?? Number.NaN)),
      ).toFixed(2);
    const ms = (of: string) => median(timings.get(of)).toFixed(0).padStart(7);
    const peak = (process.resourceUsage().maxRSS / 1024).toFixed(0);
    console.log(
      `${one.name.padEnd(24)} scan ${ms("check all rows")} ms ${ratio("check all rows")}×   stage without writing ${ms("stage")} ms ${ratio("stage")}×   by hand ${ms("by hand")} ms, ${aggregates} aggregates   peak ${peak} MiB`,
    );
  }
}
