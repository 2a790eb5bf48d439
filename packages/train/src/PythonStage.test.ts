import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import { Artifact } from "@ml-pipe/core";
import { Duckdb, Model, Predictions, Rule, Scoring, Table, Transform } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import { Amount, Buys, Kind, partsOf, recorded, services } from "../test-fixtures/visits.ts";
import * as Train from "./Train.ts";

/** Any Python will do: the scripts here need no packages. */
const interpreter = ["python3", "/usr/bin/python3"]
  .map((one) =>
    spawnSync(one, ["-c", "import sys; sys.version_info >= (3, 8) and print(sys.executable)"], {
      encoding: "utf8",
    }),
  )
  .map(({ stdout }) => stdout?.trim())
  .find((path) => path);
const required = process.env["ML_PIPE_TEST_PYTHON"] !== undefined;
const provided = Effect.provide(Layer.merge(services, Logger.layer([])));
const models = fileURLToPath(new URL("../test-fixtures/onnx_models.json", import.meta.url));

/** What every script starts with. */
const start = `
import base64, json, os, sys
import ml_pipe
def model(name):
    return base64.b64decode(json.load(open(sys.argv[1]))[name])
`;

const scriptOf = Effect.fnUntraced(function* (code: string, name = "train.py") {
  const file = path.join(yield* (yield* Artifact.ArtifactStore).temporaryFolder, name);
  fs.writeFileSync(file, start + code);
  return file;
});

type Options = Partial<Train.PythonOptions<typeof Buys.contract>>;

const stageOf = Effect.fnUntraced(function* (code: string, options: Options = {}) {
  return Train.python(Buys, {
    interpreter: interpreter ?? "python3",
    script: yield* scriptOf(code),
    args: [models],
    ...options,
  });
});

const failureOf = Effect.fnUntraced(function* (code: string, options: Options = {}) {
  return yield* Effect.flip((yield* stageOf(code, options)).run(yield* partsOf(Buys, 60)));
});

describe.skipIf(interpreter === undefined && !required)("a training in Python", () => {
  it.live("is given the train and the validation rows that have a label, and no others", () =>
    Effect.gen(function* () {
      const stage = yield* stageOf(
        `
train, validation = ml_pipe.read("train"), ml_pipe.read("validation")
lines = open(train.path).read().splitlines()
ml_pipe.metric("train rows", train.rows)
ml_pipe.metric("lines", len(lines))
ml_pipe.metric("validation rows", validation.rows)
ml_pipe.metric("parameter", ml_pipe.params["trees"])
assert sorted(ml_pipe.inputs) == ["train", "validation"], sorted(ml_pipe.inputs)
assert train.features == ("age", "days") and train.format == "csv" and train.label_kind == "boolean"
assert lines[0] == "age,days,label,~weight", lines[0]
assert any(line.startswith("nan,") for line in lines), lines
assert not any("TOKEN" in name for name in os.environ)
ml_pipe.model(model("buys"), kind="a model by hand")
`,
        { params: { trees: 7 }, weight: "copies" },
      );
      process.env["ML_TEST_TOKEN"] = "not for scripts";
      const parts = yield* partsOf(Buys);
      const { value, exhibits, findings } = yield* recorded(stage.run(parts));
      assert.deepInclude(value, { kind: "a model by hand" });
      assert.deepStrictEqual(value.trainedOn, {
        split: "split-one",
        table: Table.digestOf(parts.train),
        rows: 360,
      });
      const table = exhibits.find(({ title }) => title === "Trained in Python");
      assert.isTrue(table?._tag === "table");
      const known = yield* (yield* Duckdb.Duckdb).rows(
        "count",
        `SELECT count(label)::DOUBLE AS n FROM ${yield* Table.relation(parts.train)}`,
      );
      assert.deepStrictEqual(table?._tag === "table" ? table.rows.slice(0, 4) : [], [
        ["train rows", Number(known[0]?.["n"])],
        ["lines", Number(known[0]?.["n"]) + 1],
        ["validation rows", Number(table?._tag === "table" ? table.rows[2]?.[1] : 0)],
        ["parameter", 7],
      ]);
      assert.deepStrictEqual(findings, []);
    }).pipe(Effect.scoped, provided),
  );

  it.live("gives a model that scores: a probability, a number, classes", () =>
    Effect.gen(function* () {
      const scoresOf = Effect.fnUntraced(function* (model: Model.AnyModel) {
        const document = yield* Model.load(model);
        const { signature } = document;
        const scoring = yield* Scoring.open(document);
        return {
          signature,
          scores: yield* scoring.rows([
            [50, 2],
            [Number.NaN, 1],
          ]),
        };
      });
      const common = { interpreter: interpreter ?? "python3", args: [models] };
      const buys = yield* (yield* stageOf('ml_pipe.model(model("buys"))')).run(
        yield* partsOf(Buys),
      );
      const yes = yield* scoresOf(buys);
      assert.deepStrictEqual(yes.signature, { _tag: "probability" });
      assert.approximately(yes.scores[0] ?? NaN, 1 / (1 + Math.exp(-1.6)), 1e-6);
      assert.approximately(yes.scores[1] ?? NaN, 1 / (1 + Math.exp(-0.3)), 1e-6);

      const amount = Train.python(Amount, {
        ...common,
        script: yield* scriptOf('ml_pipe.model(model("amount"))'),
      });
      const number = yield* scoresOf(yield* amount.run(yield* partsOf(Amount, 60)));
      assert.deepStrictEqual(number.signature, { _tag: "value" });
      assert.approximately(number.scores[0] ?? NaN, 1.6, 1e-6);

      const kind = Train.python(Kind, {
        ...common,
        script: yield* scriptOf('ml_pipe.model(model("kind"), classes=["more", "none", "one"])'),
      });
      const classes = yield* scoresOf(yield* kind.run(yield* partsOf(Kind, 60)));
      assert.deepStrictEqual(classes.signature, {
        _tag: "classes",
        classes: ["more", "none", "one"],
      });
      assert.approximately(
        classes.scores.slice(0, 3).reduce((a, b) => a + b, 0),
        1,
        1e-6,
      );

      const { test } = yield* partsOf(Buys);
      const read = yield* Predictions.read(Buys, {
        model: buys,
        table: test,
        baseline: Rule.baseline(Buys.contract, {
          name: "never",
          description: "nobody buys",
          when: ($) => $.days.lt(0),
        }),
        rows: "all",
      });
      assert.strictEqual(read.rows, test.rows);
    }).pipe(Effect.scoped, provided),
  );

  for (const [what, code, expected] of [
    ["dies", "os.kill(os.getpid(), 9)", /ProcessFailed.*ended by SIGKILL/],
    ["exits", 'print("so long", file=sys.stderr); sys.exit(3)', /exit code 3[\s\S]*so long/],
    [
      "raises",
      'ml_pipe.read("test")',
      /ContractError: there is no table 'test'; there are: train, validation/,
    ],
    [
      "imports what is not there",
      "import surely_not_installed",
      /PythonPackageMissing.*surely_not_installed/,
    ],
    ["writes nothing", "", /ProcessOutputInvalid.*it wrote no file to ML_PIPE_OUTPUT/s],
    [
      "writes garbage",
      'open(os.environ["ML_PIPE_OUTPUT"], "wb").write(bytes(range(256)))',
      /it is not JSON/,
    ],
    [
      "writes another schema",
      'ml_pipe.output({"model": "model.onnx", "metrics": {"loss": "low"}})',
      /output "model"[\s\S]*output "metrics"/,
    ],
    [
      "hands back no ONNX",
      'ml_pipe.model(b"import os")',
      /OnnxInvalid.*an ONNX model; found none/s,
    ],
    [
      "hands back a model of other features",
      'ml_pipe.model(model("three"))',
      /expected 2 features \(age, days\); found 3/,
    ],
    [
      "hands back scores of classes",
      'ml_pipe.model(model("kind"))',
      /one number for each row.*found 3 numbers/,
    ],
    [
      "hands back a model that does not know missing values",
      'ml_pipe.model(model("blind"))',
      /OnnxInvalid: the model .*a finite number for each row.*such as NaN for age = NaN, days = \d/s,
    ],
    [
      "hands back numbers that are no probabilities",
      'ml_pipe.model(model("amount"))',
      /OnnxInvalid.*output "scores": expected a probability for each row; found other numbers for \d+ rows of 12/s,
    ],
    [
      "hands back a damaged model",
      'ml_pipe.model(model("buys")[:150])',
      /OnnxInvalid: what train\.py handed back cannot be used.*it ends within/s,
    ],
    [
      "names classes where the label has none",
      'ml_pipe.model(model("buys"), classes=["no", "yes"])',
      /output "model".*it names classes \(no, yes\), and the label is none/s,
    ],
    [
      "measures what is no number",
      'ml_pipe.metric("loss", float("nan"))',
      /ContractError: the metric 'loss' is nan/,
    ],
  ] as const) {
    it.live(`that ${what} is a typed error`, () =>
      Effect.gen(function* () {
        const error = yield* failureOf(code);
        assert.match(`${error._tag}: ${error.message}`, expected);
      }).pipe(Effect.scoped, provided),
    );
  }

  it.live("of classes names them as the labels do", () =>
    Effect.gen(function* () {
      const wrong = Effect.fnUntraced(function* (named: string) {
        const stage = Train.python(Kind, {
          interpreter: interpreter ?? "python3",
          args: [models],
          script: yield* scriptOf(`ml_pipe.model(model("kind")${named})`),
        });
        return (yield* Effect.flip(stage.run(yield* partsOf(Kind, 60)))).message;
      });
      assert.match(yield* wrong(""), /name the classes.*: more, none, one/);
      assert.match(
        yield* wrong(", classes=[0, 1, 2]"),
        /it names the classes 0, 1, 2, and those of the training rows are more, none, one/,
      );
    }).pipe(Effect.scoped, provided),
  );

  it.live("is told the texts that a feature stands for, and gives a model that reads them", () =>
    Effect.gen(function* () {
      const prepare = Transform.make(Buys, ($) => ({
        age: $.age,
        shop: Transform.ordinal($.shop),
      }));
      const stage = yield* stageOf(
        `
train = ml_pipe.read("train")
assert train.features == ("age", "shop"), train.features
assert train.texts == {"shop": ("s0", "s1", "s2", "s3")}, train.texts
ml_pipe.model(model("shop"))
`,
        { prepare },
      );
      const model = yield* stage.run(yield* partsOf(Buys, 60));
      const document = yield* Model.load(model);
      const scoring = yield* Scoring.open(document);
      const ready = Transform.compile(document.transform ?? assert.fail(), Buys.spec);
      const of = (shop: string | null) => ready(Float64Array.of(50, 2), { shop });
      const scores = yield* scoring.rows([of("s1"), of("s2"), of("elsewhere"), of(null)]);
      for (const [at, z] of [2, 1, 1, 1].entries()) {
        assert.approximately(scores[at] ?? NaN, 1 / (1 + Math.exp(-z)), 1e-6);
      }
      // Without its texts, it is a number like any other.
      const unknown = yield* failureOf('ml_pipe.model(model("shop"))');
      assert.match(
        unknown.message,
        /one for each with its name \(age, days\); found "shop" \(string/,
      );
    }).pipe(Effect.scoped, provided),
  );

  it.live("that hangs, or takes too much memory, is ended with all that it started", () =>
    Effect.gen(function* () {
      const hanging = "import time\ntime.sleep(100)";
      const late = yield* failureOf(hanging, { timeout: "500 millis", grace: "100 millis" });
      assert.strictEqual(late._tag, "ProcessTimedOut");
      const greedy = "x = bytearray(500 * 2 ** 20)\nimport time\ntime.sleep(100)";
      const large = yield* failureOf(greedy, { memory: "150 MiB" });
      assert.strictEqual(large._tag, "ProcessOutOfMemory");
    }).pipe(Effect.scoped, provided),
  );

  it.live("with what is not there says what: interpreter, environment, script", () =>
    Effect.gen(function* () {
      const absent = yield* failureOf("", { interpreter: "python-of-nobody" });
      assert.strictEqual(absent._tag, "PythonUnusable");
      const script = yield* failureOf("", { script: "/nowhere/train.py" });
      assert.strictEqual(script._tag, "ProcessNotFound");
    }).pipe(Effect.scoped, provided),
  );

  it.live("on rows that nothing can be learnt from does not start", () =>
    Effect.gen(function* () {
      const stage = yield* stageOf("raise AssertionError('started')", { weight: "copies" });
      const problemsOf = Effect.fnUntraced(function* (train: string, validation: string) {
        const rows = (values: string) => ({
          query: `SELECT * FROM (VALUES ${values}) t(age, days, copies, shop, label)`,
          split: "split-one",
        });
        const parts = {
          train: yield* Table.write(Buys.contract, "train", rows(train)),
          validation: yield* Table.write(Buys.contract, "validation", rows(validation)),
        };
        const error = yield* Effect.flip(stage.run(parts));
        return error._tag === "TrainingError"
          ? error.problems.map(({ what, where }) => `${where}: ${what}`)
          : [error.message];
      });
      const good = "(20.0::DOUBLE, 1.0::DOUBLE, 1, 's', TRUE), (30, 2, 1, 's', FALSE)";
      const bad =
        "('inf'::DOUBLE, 1.0::DOUBLE, -1, 's', TRUE), (20, '-inf'::DOUBLE, 1, 's', TRUE), ('inf', 1, 2, 's', TRUE)";
      assert.deepStrictEqual(yield* problemsOf(bad, good), [
        "train weights: 1 weight missing, negative or infinite",
        "train label: all 2 labels are 1",
        'train feature "age": 2 values infinite',
        'train feature "days": 1 value infinite',
      ]);
      const unknown = "(20.0::DOUBLE, 1.0::DOUBLE, 1, 's', NULL::BOOLEAN)";
      assert.deepStrictEqual(yield* problemsOf(unknown, good), [
        "train data: no rows with a label",
      ]);
      assert.deepStrictEqual(yield* problemsOf(good, unknown), [
        "validation data: no rows with a label",
      ]);
      const light = "(20.0::DOUBLE, 1.0::DOUBLE, 0, 's', TRUE), (30, 2, 0, 's', FALSE)";
      assert.deepStrictEqual(yield* problemsOf(light, good), [
        "train weights: no row has a weight above 0",
      ]);
    }).pipe(Effect.scoped, provided),
  );

  it.live("is refused with types of another state of the features", () =>
    Effect.gen(function* () {
      const write = (text: string) => scriptOf(text, "types.py");
      const stale = yield* failureOf("", {
        types: yield* write(`# from buys 1 sha256-${"0".repeat(64)}\n`),
      });
      assert.strictEqual(stale._tag, "PythonTypesStale");
      assert.match(stale.message, /Run: ml-pipe codegen python .* --out .*types\.py/);
      const others = yield* failureOf("", { types: yield* write("# nothing\n") });
      assert.match(others.message, /found nothing of it/);
      const fresh = yield* stageOf('ml_pipe.model(model("buys"))', {
        types: yield* write(`# from buys 1 ${Buys.digest}\n`),
      });
      yield* fresh.run(yield* partsOf(Buys, 60));
    }).pipe(Effect.scoped, provided),
  );

  it.live("with a secret keeps it out of everything", () =>
    Effect.gen(function* () {
      const { Redacted } = yield* Effect.promise(async () => ({
        Redacted: await import("effect/Redacted"),
      }));
      const stage = Train.python(Buys, {
        interpreter: interpreter ?? "python3",
        script: yield* scriptOf('sys.exit("the token is " + os.environ["HUB_TOKEN"])'),
        secrets: { HUB_TOKEN: Effect.succeed(Redacted.make("swordfish-42")) },
      });
      const error = yield* Effect.flip(stage.run(yield* partsOf(Buys, 60)));
      assert.include(error.message, "the token is <redacted>");
      assert.notInclude(JSON.stringify(stage.info), "swordfish");
    }).pipe(Effect.scoped, provided),
  );
});
