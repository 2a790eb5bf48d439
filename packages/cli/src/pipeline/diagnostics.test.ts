import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "vitest";
import { parseOutput, toProblems } from "./diagnostics.ts";

it("reads what TypeScript prints: errors with their explanations, and files", () => {
  const output = [
    "../p/pipeline.ts(42,9): error TS2322: Type 'A' is not assignable to type 'B'.",
    "  Types of property 'x' are incompatible.",
    "    Type '1' is not assignable to type '2'.",
    "error TS18003: No inputs were found in config file.",
    "/srv/p/entry.ts(5,14): error TS2322: Type 'S' is not assignable to type 'never'.",
    "/srv/lib/lib.d.ts",
    "/srv/p/pipeline.ts",
    "",
  ].join("\n");
  assert.deepStrictEqual(parseOutput(output, "/srv/state"), {
    diagnostics: [
      {
        file: "/srv/p/pipeline.ts",
        line: 42,
        column: 9,
        code: "TS2322",
        message:
          "Type 'A' is not assignable to type 'B'.\n  Types of property 'x' are incompatible.\n    Type '1' is not assignable to type '2'.",
      },
      { line: 1, column: 1, code: "TS18003", message: "No inputs were found in config file." },
      {
        file: "/srv/p/entry.ts",
        line: 5,
        column: 14,
        code: "TS2322",
        message: "Type 'S' is not assignable to type 'never'.",
      },
    ],
    files: ["/srv/lib/lib.d.ts", "/srv/p/pipeline.ts"],
  });
});

it("says of a stage that is defined wrongly only that, not what its calls then lack", () => {
  const folder = mkdtempSync(join(tmpdir(), "ml-pipe-diagnostics-"));
  const pipeline = join(folder, "pipeline.ts");
  const lines = [
    'const train = Train.linear(Features, { l2: "much" });',
    "const deploy = Deploy.release(Features, {});",
    'export default Pipeline.make("p", {}, () => {',
    "  const model = train({});",
    "  return { release: deploy({ model }), other: split({}) };",
    "});",
  ];
  writeFileSync(pipeline, lines.join("\n"));
  const at = (line: number, part: string) => ({
    file: pipeline,
    line,
    column: (lines[line - 1] ?? "").indexOf(part) + 1,
    code: "TS2345",
    message: `Property '${part}' is missing.`,
  });
  const found = [at(2, "{}"), at(5, "{ model }"), at(5, "{})")];
  const about = {
    pipeline,
    entry: join(folder, "entry.ts"),
    config: join(folder, "tsconfig.json"),
  };
  assert.deepStrictEqual(toProblems(found, about), [
    { ...at(2, "{}"), stage: "deploy" },
    { ...at(5, "{})"), stage: "split" },
  ]);
  rmSync(folder, { recursive: true });
});
