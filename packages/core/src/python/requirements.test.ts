import { assert, it } from "vitest";
import { isVersion, normalName, requirementsOf } from "./requirements.ts";

it("reads what pip freeze and pip-compile write", () => {
  const found = requirementsOf(
    [
      "--require-hashes",
      "-r other.txt",
      "scikit-learn==1.9.1 \\",
      "    --hash=sha256:aa \\",
      "    --hash=sha256:bb  # via x",
      "uvicorn[standard]===0.30",
      "numpy>=1,<3 # any",
      "torch==2.* ",
      'pywin32==306 ; sys_platform == "win32"',
      "own @ file:///somewhere",
      "git+https://example.org/x.git",
      "",
    ].join("\n"),
  );
  assert.deepStrictEqual(
    found.map(({ package: name, version, conditional }) => [name, version, conditional]),
    [
      ["scikit-learn", "1.9.1", false],
      ["uvicorn", "0.30", false],
      ["numpy", undefined, false],
      ["torch", undefined, false],
      ["pywin32", "306", true],
    ],
  );
});

it("compares names and versions as indexes do", () => {
  assert.strictEqual(normalName("Foo__bar.baz"), "foo-bar-baz");
  assert.isTrue(isVersion("2.3.1+cpu", "2.3.1"));
  assert.isFalse(isVersion("2.3.1+cpu", "2.3.1+cu12"));
  assert.isTrue(isVersion("1.0.0", "1"));
  assert.isTrue(isVersion("1.10", "v1.10"));
  assert.isFalse(isVersion("1.10", "1.1"));
});
