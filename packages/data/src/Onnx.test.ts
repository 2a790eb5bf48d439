import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import {
  asked,
  bytesOf,
  expected,
  features,
  fileOf,
  type Name,
  plans,
} from "../test-fixtures/onnx.ts";
import { withTables } from "../test-fixtures/tables.ts";
import * as Onnx from "./Onnx.ts";
import { NotProtobuf } from "./onnx/protobuf.ts";
import { structureOf } from "./onnx/structure.ts";
import * as Scoring from "./Scoring.ts";

const read = Effect.fnUntraced(function* (name: Name, options: Partial<Onnx.ReadOptions> = {}) {
  return yield* Onnx.read(yield* fileOf(bytesOf(name)), { features, ...options });
});

/** The problems of a file, each as `where: expected | found`. */
const problemsOf = (name: Name, options: Partial<Onnx.ReadOptions> = {}) =>
  Effect.map(Effect.flip(read(name, options)), (error) => {
    assert.strictEqual(error._tag, "OnnxInvalid");
    return error._tag === "OnnxInvalid"
      ? error.problems.map(({ where, expected, found }) => `${where}: ${expected} | ${found}`)
      : [];
  });

const scored = Effect.fnUntraced(function* (model: Onnx.OnnxModel) {
  const scoring = yield* Scoring.open({ estimator: model });
  const byRow = yield* scoring.rows(asked);
  const columns = features.map((_, j) => Float64Array.from(asked, (row) => row[j] ?? NaN));
  const byColumn = new Float64Array(asked.length * scoring.width);
  yield* scoring.columns(columns, byColumn);
  assert.deepStrictEqual(byRow, byColumn);
  return byRow;
});

const near = (found: Float64Array, wanted: ReadonlyArray<number>, within: number) => {
  assert.strictEqual(found.length, wanted.length);
  for (const [i, one] of wanted.entries()) assert.approximately(found[i] ?? NaN, one, within);
};

describe("a file in ONNX", () => {
  it.live("scores as scikit-learn does: probability, value, classes", () =>
    Effect.gen(function* () {
      const binary = yield* read("binary");
      assert.deepInclude(binary, {
        features,
        producer: "skl2onnx 1.20.0",
        inputs: [{ name: "X", type: "float32", features: [0, 1, 2], vector: false }],
        output: { name: "probabilities", columns: [1] },
      });
      near(yield* scored(binary), expected.binary, 1e-6);
      near(yield* scored(yield* read("binary64")), expected.binary, 1e-12);
      near(yield* scored(yield* read("forest")), expected.forest, 1e-5);
      const classes = yield* read("classes", { columns: [0, 1, 2] });
      near(yield* scored(classes), expected.classes.flat(), 1e-6);
    }).pipe(Effect.scoped, withTables),
  );

  it.live("may have an input for each feature, whole numbers and texts among them", () =>
    Effect.gen(function* () {
      const model = yield* read("named", { texts: { c: plans } });
      assert.deepStrictEqual(
        model.inputs.map(({ name, type }) => `${name}: ${type}`),
        ["a: float32", "b: int64", "c: string"],
      );
      const scoring = yield* Scoring.open({ estimator: model });
      const rows = asked.map(([a = 0, b = 0], plan) => [a, Math.floor(b), plan]);
      near(yield* scoring.rows(rows), expected.named, 1e-6);
      const columns = features.map((_, j) => Float64Array.from(rows, (row) => row[j] ?? NaN));
      const out = new Float64Array(rows.length);
      yield* scoring.columns(columns, out);
      near(out, expected.named, 1e-6);
      // What is missing, and what no text is known for, is the empty text, which is the first here.
      const [missing, strange, first] = yield* scoring.rows([
        [1, 2, NaN],
        [1, 2, 77],
        [1, 2, 0],
      ]);
      assert.deepStrictEqual([missing, strange], [first, first]);
      const half = yield* Effect.flip(scoring.rows([[0, 0.5, 1]]));
      assert.match(half.message, /input "b" takes whole numbers, and the feature b is 0\.5/);
      const none = yield* Effect.flip(scoring.rows([[0, NaN, 1]]));
      assert.match(none.message, /the feature b is missing/);
    }).pipe(Effect.scoped, withTables),
  );

  it.live("may take some features together, in an order of its own, if that is said", () =>
    Effect.gen(function* () {
      const model = yield* read("blocks", { inputs: { one: ["a"], pair: ["c", "b"] } });
      const scores = yield* scored(model);
      near(
        scores,
        asked.map(([a = 0, b = 0, c = 0]) => c + b - a),
        1e-6,
      );
    }).pipe(Effect.scoped, withTables),
  );

  it.live("gives probabilities that are rounded a little beyond 0 or 1, and are put there", () =>
    Effect.gen(function* () {
      const estimator = yield* read("blocks", { inputs: { one: ["a"], pair: ["c", "b"] } });
      const rows = [
        [0, 0.5, 0.500001],
        [0.000001, 0, 0],
        [0, 0.5, 0.6],
      ];
      const plain = yield* (yield* Scoring.open({ estimator })).rows(rows);
      assert.isTrue((plain[0] ?? 0) > 1 && (plain[1] ?? 0) < 0);
      const signature = { _tag: "probability" } as const;
      const scores = yield* (yield* Scoring.open({ estimator, signature })).rows(rows);
      assert.deepStrictEqual([...scores.subarray(0, 2)], [1, 0]);
      assert.approximately(scores[2] ?? NaN, 1.1, 1e-6);
    }).pipe(Effect.scoped, withTables),
  );

  it.live("may define functions of its own, and leave its shapes open", () =>
    Effect.gen(function* () {
      for (const name of ["ownFunction", "openShape"] as const) {
        const [first = NaN] = yield* scored(yield* read(name));
        assert.approximately(first, 1 / (1 + Math.exp(-(0.05 - 0.2 + 0.075))), 1e-6);
      }
    }).pipe(Effect.scoped, withTables),
  );

  it.live("is refused with everything that is wrong", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problemsOf("binary", { features: ["a"] }), [
        'input "X": 1 features (a) | 3',
      ]);
      assert.deepStrictEqual(yield* problemsOf("twoInputs"), [
        'inputs: one that takes all features, or one for each with its name (a, b, c) | "x" (float32[rows, 1]), "y" (float32[rows, 1])',
      ]);
      assert.deepStrictEqual(yield* problemsOf("twoInputs", { features: ["x", "z"] }), [
        'inputs: one that takes all features, or one for each with its name (x, z) | "y" (float32[rows, 1])',
      ]);
      assert.deepStrictEqual(
        yield* problemsOf("twoInputs", { inputs: { x: ["a", "b"], z: ["d"] }, output: "q" }),
        [
          'inputs: features (a, b, c) for each input of the file | nothing for "y" (float32[rows, 1]), "z", which the file does not have, the feature "d", which there is not',
          'output "q": one tensor of scores, of type float32 or float64 | "p" (float32[rows, 1])',
        ],
      );
      assert.deepStrictEqual(
        yield* problemsOf("twoInputs", { inputs: { x: ["a", "b"], y: ["c"] } }),
        ['input "x": 2 features (a, b) | 1'],
      );
      assert.deepStrictEqual(yield* problemsOf("named"), [
        'input "c": numbers, which these features are | texts for c',
      ]);
      assert.deepStrictEqual(yield* problemsOf("external"), [
        'weights: all numbers in the file itself | "w" in other files',
      ]);
      for (const name of ["custom", "customInBranch"] as const) {
        assert.deepStrictEqual(yield* problemsOf(name), [
          "operators: those of ONNX, which ONNX Runtime has built in | my.ops.Strange",
        ]);
      }
      assert.deepStrictEqual(yield* problemsOf("oneRow"), [
        'input "x": any number of rows | exactly 1',
      ]);
      assert.deepStrictEqual(yield* problemsOf("image"), [
        'input "x": a matrix of rows × features | 4 dimensions',
      ]);
      assert.deepStrictEqual(yield* problemsOf("booleans"), [
        'input "x": numbers of type float32, float64 or int64, or texts | bool',
      ]);
      assert.deepStrictEqual(yield* problemsOf("classes"), [
        'output "probabilities": one number for each row, or the columns that are the scores | 3 numbers for each row',
      ]);
      assert.deepStrictEqual(yield* problemsOf("binary", { columns: [2] }), [
        'output "probabilities": the columns 2, counted from 0 | 2 numbers for each row',
      ]);
      assert.deepStrictEqual(yield* problemsOf("binary", { maxBytes: 100 }), [
        `file: at most 100 bytes | ${bytesOf("binary").length} bytes`,
      ]);
    }).pipe(Effect.scoped, withTables),
  );

  it.live("with probabilities as maps is refused with the exporter's option", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(read("zipmap"));
      assert.match(message, /"output_probability" \(sequence\).*options=\{"zipmap": False\}/);
    }).pipe(Effect.scoped, withTables),
  );

  it.live("that ONNX Runtime cannot compute is found out when it is read", () =>
    Effect.gen(function* () {
      const future = yield* Effect.flip(read("future"));
      assert.strictEqual(future._tag, "OnnxFailed");
      assert.match(future.message, /cannot load the model: .*opset/i);
      // The shape is open, so that only a row tells.
      const narrow = yield* Effect.flip(read("openShape", { features: ["a", "b"] }));
      assert.strictEqual(narrow._tag, "OnnxFailed");
      assert.match(narrow.message, /could not compute/);
    }).pipe(Effect.scoped, withTables),
  );

  it.live("that gives no number for a row fails where it serves", () =>
    Effect.gen(function* () {
      const scoring = yield* Scoring.open({ estimator: yield* read("divides") });
      const error = yield* Effect.flip(
        scoring.rows([
          [1, 0, 0],
          [0, 0, 0],
        ]),
      );
      assert.match(error.message, /it gives Infinity for the features \[0, 0, 0\]/);
      const missing = yield* Effect.flip(scoring.rows([[1, NaN, 0]]));
      assert.match(missing.message, /it gives NaN for the features \[1, NaN, 0\]/);
      assert.deepStrictEqual(yield* scoring.rows([]), new Float64Array());
    }).pipe(Effect.scoped, withTables),
  );

  it.live("scores columns of more rows than one block, and says which do not fit", () =>
    Effect.gen(function* () {
      const scoring = yield* Scoring.open({ estimator: yield* read("binary64") });
      const rows = 20_000;
      const columns = features.map((_, j) =>
        Float64Array.from({ length: rows }, (_, i) => (i % 7) - j),
      );
      const out = new Float64Array(rows);
      yield* scoring.columns(columns, out);
      const few = yield* scoring.rows(
        [6, 8193, 19_999].map((i) => columns.map((one) => one[i] ?? 0)),
      );
      assert.deepStrictEqual([out[6], out[8193], out[19_999]], [...few]);
      const error = yield* Effect.flip(scoring.columns(columns.slice(1), out));
      assert.match(error.message, /2 columns where the model has 3 features/);
    }).pipe(Effect.scoped, withTables),
  );

  it.live("without ONNX Runtime is an error with the command; a built-in model needs none", () =>
    Effect.gen(function* () {
      const file = yield* fileOf(bytesOf("binary"));
      const program = fileURLToPath(new URL("../test-fixtures/withoutRuntime.ts", import.meta.url));
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ["--conditions=@ml-pipe/source", `--import=${program}`, program, file],
        { encoding: "utf8" },
      );
      assert.match(
        stdout,
        /^OnnxRuntimeMissing .*could not be loaded \(Cannot find package\).*npm install --ignore-scripts onnxruntime-node@1\.30\.0/,
        stderr,
      );
      assert.match(stdout, /^built in: 0\.25$/m, stderr);
    }).pipe(Effect.scoped, withTables),
  );

  it.live("that computes for years can be stopped, and holds up no process", () =>
    Effect.gen(function* () {
      const file = yield* fileOf(bytesOf("endless"));
      const program = fileURLToPath(new URL("../test-fixtures/endlessModel.ts", import.meta.url));
      const { stdout, stderr, signal } = spawnSync(
        process.execPath,
        ["--conditions=@ml-pipe/source", program, file],
        { encoding: "utf8", timeout: 50_000, killSignal: "SIGTERM" },
      );
      assert.strictEqual(stdout, "TimeoutError\n", stderr);
      assert.notStrictEqual(signal, "SIGTERM");
    }).pipe(Effect.scoped, withTables),
  );

  it.live("that is another one than was stored is not loaded", () =>
    Effect.gen(function* () {
      const model = yield* read("binary");
      const custom = yield* (yield* Artifact.ArtifactStore).put(Onnx.mediaType, (temporary) =>
        Effect.promise(async () => {
          const fs = await import("node:fs/promises");
          await fs.writeFile(temporary, bytesOf("custom"));
        }),
      );
      const foreign = yield* Effect.flip(Scoring.open({ estimator: { ...model, file: custom } }));
      assert.match(foreign.message, /my\.ops\.Strange/);
      const file = { ...model.file, digest: `sha256-${"0".repeat(64)}` };
      const gone = yield* Effect.flip(Scoring.open({ estimator: { ...model, file } }));
      assert.strictEqual(gone._tag, "ArtifactMissing");
    }).pipe(Effect.scoped, withTables),
  );
});

describe("the structure of a file", () => {
  it.live("is read without a runtime; what is no ONNX is said", () =>
    Effect.gen(function* () {
      const found = yield* Onnx.inspect(yield* fileOf(bytesOf("ownFunction")));
      assert.deepStrictEqual(found.functions, [{ domain: "own", name: "Half" }]);
      assert.deepStrictEqual(found.inputs, [{ name: "x", type: "float32", shape: ["rows", 3] }]);
      for (const [bytes, expected] of [
        [new Uint8Array(), /it holds no graph/],
        [Buffer.from("import os; os.system('true')"), /an ONNX model; found none/],
        [bytesOf("binary").subarray(0, 200), /it ends within/],
      ] as const) {
        assert.match((yield* Effect.flip(Onnx.inspect(yield* fileOf(bytes)))).message, expected);
      }
      const absent = yield* Effect.flip(Onnx.inspect("/nowhere/model.onnx"));
      assert.match(absent.message, /nowhere\/model\.onnx cannot be used.*\n.*a file; found none/);
    }).pipe(Effect.scoped, withTables),
  );

  it("of any damaged file is read or refused, and nothing else happens", () => {
    const model = bytesOf("customInBranch");
    fc.assert(
      fc.property(fc.nat(model.length - 1), fc.nat(255), fc.nat(model.length), (at, byte, end) => {
        const damaged = Uint8Array.from(model.subarray(0, end));
        if (at < end) damaged[at] = byte;
        try {
          structureOf(damaged);
        } catch (thrown) {
          if (!(thrown instanceof NotProtobuf)) throw thrown;
        }
      }),
      { numRuns: 500 },
    );
  });
});
