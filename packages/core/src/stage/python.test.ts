import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Artifact, ArtifactStore } from "../Artifact.ts";
import { temporaryFolder } from "../internal/folder.fixture.ts";
import * as Python from "../Python.ts";
import * as Stage from "../Stage.ts";
import { watched } from "./process.fixture.ts";

/** What any machine may have: no packages are needed here. */
const interpreter = ["python3", "/usr/bin/python3"]
  .map((one) =>
    spawnSync(one, ["-c", "import sys; sys.version_info >= (3, 8) and print(sys.executable)"], {
      encoding: "utf8",
    }),
  )
  .map(({ stdout }) => stdout?.trim())
  .find((path) => path);
const required = process.env["ML_PIPE_TEST_PYTHON"] !== undefined;

const scriptOf = Effect.fnUntraced(function* (code: string) {
  const file = path.join(yield* temporaryFolder, "script.py");
  fs.writeFileSync(file, code);
  return pathToFileURL(file);
});

const failureOf = Effect.fnUntraced(function* (
  code: string,
  options: Partial<Stage.PythonDefinition<{}, {}>> = {},
) {
  const { use, logged } = yield* watched();
  const stage = Stage.python("fit", {
    interpreter: interpreter ?? "python3",
    script: yield* scriptOf(code),
    input: {},
    output: Schema.Finite,
    ...options,
  });
  return { error: yield* use(Effect.flip(stage.run({}))), logged };
});

describe.skipIf(interpreter === undefined && !required)("a stage in Python", () => {
  it.effect("is given inputs and parameters, tells how it goes, and hands back its output", () =>
    Effect.gen(function* () {
      const { use, told, logged } = yield* watched();
      const stage = Stage.python("fit", {
        interpreter: interpreter ?? "python3",
        script: yield* scriptOf(`
import ml_pipe, os, sys
ml_pipe.progress("half", share=0.5)
ml_pipe.finding("loss", expected="falls", found="rises", next="lower the rate")
print("hello", sys.argv[1:])
file = ml_pipe.artifact(b"weights", "application/octet-stream")
ml_pipe.output({"sum": sum(ml_pipe.inputs["xs"]) * ml_pipe.params["factor"], "file": file,
                "secrets": [name for name in os.environ if "TOKEN" in name]})
`),
        args: ["--trees", "3"],
        params: { factor: 2 },
        input: { xs: Schema.Array(Schema.Finite) },
        outputs: { sum: Schema.Finite, file: Artifact, secrets: Schema.Array(Schema.String) },
      });
      process.env["ML_TEST_TOKEN"] = "not for scripts";
      const bytes = Effect.gen(function* () {
        const { sum, file, secrets } = yield* stage.run({ xs: [1, 2, 4] });
        return [sum, fs.readFileSync(yield* (yield* ArtifactStore).path(file), "utf8"), secrets];
      });
      assert.deepStrictEqual(yield* use(bytes), [14, "weights", []]);
      assert.deepStrictEqual(
        told.map(({ _tag }) => _tag),
        ["Progress", "Finding"],
      );
      assert.deepStrictEqual(
        logged.map(({ text }) => text),
        ["hello ['--trees', '3']"],
      );
    }),
  );

  it.effect("that fails shows its traceback", () =>
    Effect.gen(function* () {
      const { error } = yield* failureOf("def fit():\n    return 1 / 0\nfit()\n");
      assert.strictEqual(error._tag, "ProcessFailed");
      assert.match(error.message, /exit code 1[\s\S]*line 2, in fit[\s\S]*ZeroDivisionError/);
    }),
  );

  it.effect("that imports what is not installed says which package, of which interpreter", () =>
    Effect.gen(function* () {
      const { error } = yield* failureOf("import surely_not_installed\n");
      assert.strictEqual(error._tag, "PythonPackageMissing");
      assert.match(error.message, /imports surely_not_installed, which .*python\S* does not have/);
    }),
  );

  it.effect("that hands over what is no file is told what it should be", () =>
    Effect.gen(function* () {
      for (const [code, expected] of [
        [
          "ml_pipe.artifact(42, 'a/b')",
          /ContractError: a path or bytes can be handed over; found int/,
        ],
        ["ml_pipe.artifact(b'', 'a/b', '../x')", /without folders; found '\.\.\/x'/],
        ["import os; os.mkfifo(os.environ['ML_PIPE_OUTPUT'])", /ML_PIPE_OUTPUT is no file/],
        ["import os.nothing", /ProcessFailed.*exit code 1/],
      ] as const) {
        const { error } = yield* failureOf(`import ml_pipe\n${code}\n`);
        assert.match(`${error._tag}: ${error.message}`, expected);
      }
    }),
  );

  it.effect("that is not there, or has no interpreter, is said before anything starts", () =>
    Effect.gen(function* () {
      const gone = (yield* failureOf("", { script: "/nowhere/train.py" })).error;
      assert.strictEqual(gone._tag, "ProcessNotFound");
      assert.match(gone.message, /nowhere\/train\.py" is not there/);
      const absent = (yield* failureOf("", { interpreter: "python-of-nobody" })).error;
      assert.strictEqual(absent._tag, "PythonUnusable");
      const venv = yield* failureOf("", { venv: "/nowhere/.venv", requirements: "lock.txt" });
      assert.strictEqual(venv.error._tag, "PythonUnusable");
      assert.match(
        venv.error.message,
        /Make the environment: python3 -m venv \/nowhere\/\.venv && .*pip install -r .*lock\.txt/,
      );
      const other = (yield* failureOf("", { interpreter: process.execPath })).error;
      assert.match(other.message, /does not say what it is/);
    }),
  );

  it.effect("is refused where packages are not those of the lock file: all of them", () =>
    Effect.gen(function* () {
      const requirements = path.join(yield* temporaryFolder, "requirements.txt");
      fs.writeFileSync(
        requirements,
        `# made by hand\n--index-url https://example.org\nsurely-not==1.0 \\\n  --hash=sha256:abc\nNobody_Has.This[extra]>=2\nnot-here==3; python_version < "3"\n`,
      );
      const { error } = yield* failureOf("", { requirements });
      assert.strictEqual(error._tag, "PythonPackagesDiffer");
      assert.match(
        error.message,
        /surely-not: expected 1\.0, found none\n {2}Nobody_Has\.This: expected any version, found none\nInstall them: .* -m pip install -r/,
      );
      const gone = (yield* failureOf("", { requirements: "/nowhere/lock.txt" })).error;
      assert.match(gone.message, /\/nowhere\/lock\.txt, which cannot be read/);
    }),
  );

  it.live("ends with its time and its memory, and with what it started", () =>
    Effect.gen(function* () {
      const hanging =
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])\n";
      const late = (yield* failureOf(hanging, { timeout: "700 millis", grace: "100 millis" }))
        .error;
      assert.strictEqual(late._tag, "ProcessTimedOut");
      const greedy = "x = bytearray(400 * 2 ** 20)\nimport time; time.sleep(60)\n";
      const large = (yield* failureOf(greedy, { memory: "200 MiB" })).error;
      assert.strictEqual(large._tag, "ProcessOutOfMemory");
    }),
  );

  it.effect(
    "is known by the interpreter, its packages and the lock file, not by where they are",
    () =>
      Effect.gen(function* () {
        const environment = { interpreter: interpreter ?? "python3" };
        const identity = yield* Python.identity("fit", environment);
        assert.match(String(identity["python"]), /^\w+ 3\.\d+\.\d+\S* \S+$/);
        assert.notInclude(JSON.stringify(identity), "/");
        const { version } = yield* Python.inspect(environment);
        assert.include(String(identity["python"]), version);
      }),
  );
});

describe.skipIf(interpreter === undefined && !required)("modules of a script's own", () => {
  /** A folder of files, of which `train.py` is the script. */
  const folderOf = Effect.fnUntraced(function* (files: { readonly [name: string]: string }) {
    const folder = yield* temporaryFolder;
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), text);
    }
    return folder;
  });
  const environment = { interpreter: interpreter ?? "python3" };
  const filesOf = Effect.fnUntraced(function* (folder: string) {
    const script = path.join(folder, "train.py");
    const { files } = yield* Python.identity("fit", environment, { script });
    return Object.keys(Object(files)).filter((name) => name !== "ml_pipe.py");
  });

  it.effect("are part of the key however they are imported, and whatever else lies there", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({
        "train.py": `
import json, numpy.linalg, one
import deep.er.module as m
from two import name
if False:
    from package import part, not_a_module
def late():
    import importlib
    importlib.import_module("by_name")
    from three import *
`,
        "one.py": "\ufeffimport four\r\n",
        "two.py": "from __future__ import annotations\nfrom . import never\n",
        "three.py": "def broken(:\n",
        "four.py": "import train, one",
        "by_name.py": "",
        "package/__init__.py": "from .inner import thing\n",
        "package/inner.py": "from . import sibling\nfrom .. import above\n",
        "package/sibling.py": "from ..one import x",
        "package/part.py": "",
        "package/unused.py": "",
        "deep/er/module.py": "from .beside import x\nfrom ... import top",
        "deep/er/beside.py": "",
        "json.py": "",
        "unused.py": "",
      });
      assert.deepStrictEqual((yield* filesOf(folder)).toSorted(), [
        "__init__.py",
        "beside.py",
        "by_name.py",
        "four.py",
        "inner.py",
        "json.py",
        "module.py",
        "one.py",
        "part.py",
        "sibling.py",
        "three.py",
        "train.py",
        "two.py",
      ]);
      const before = yield* Python.identity("fit", environment, {
        script: path.join(folder, "train.py"),
      });
      fs.writeFileSync(path.join(folder, "package/sibling.py"), "x = 1");
      const after = yield* Python.identity("fit", environment, {
        script: path.join(folder, "train.py"),
      });
      assert.notDeepEqual(after, before);
    }),
  );

  it.effect("from elsewhere are refused when they are imported, unless they are named", () =>
    Effect.gen(function* () {
      const elsewhere = yield* folderOf({ "far.py": "answer = 3" });
      const folder = yield* folderOf({
        "near.py": "answer = 4",
        "train.py": `
import near, sys
sys.path.insert(0, ${JSON.stringify(elsewhere)})
import ml_pipe
try:
    import nowhere
except ImportError:
    pass
import far
ml_pipe.output(near.answer + far.answer)
`,
      });
      const { use } = yield* watched();
      const stage = (reads: ReadonlyArray<string>) =>
        Stage.python("fit", {
          ...environment,
          script: path.join(folder, "train.py"),
          reads,
          input: {},
          output: Schema.Finite,
        });
      const error = yield* use(Effect.flip(stage([]).run({})));
      assert.strictEqual(error._tag, "PythonModuleUntracked");
      assert.match(error.message, /imports far from .*far\.py, which is no part of the cache key/);
      assert.strictEqual(yield* use(stage([path.join(elsewhere, "far.py")]).run({})), 7);
    }),
  );
});

describe("ml_pipe outside a stage", () => {
  it.skipIf(interpreter === undefined)("is imported, and says what it is for", () => {
    const helper = new URL("../python/helper", import.meta.url).pathname;
    const run = (code: string) =>
      spawnSync(interpreter ?? "", ["-B", "-c", code], {
        env: { ...process.env, PYTHONPATH: helper },
        encoding: "utf8",
      });
    assert.strictEqual(run("import ml_pipe").status, 0);
    assert.match(
      run("import ml_pipe; ml_pipe.inputs").stderr,
      /is run by a Python stage of ml-pipe/,
    );
    assert.match(
      run("import ml_pipe; ml_pipe.metric('loss', float('nan'))").stderr,
      /ContractError/,
    );
  });
});
