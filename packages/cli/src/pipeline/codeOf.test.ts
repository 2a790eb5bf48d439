import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, assert, beforeEach, describe, it } from "vitest";
import { identify } from "./codeOf.ts";

let folder = "";
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-code-")));
  write(
    "stage.ts",
    'import { half } from "./half.ts";\nexport const run = (x: number) => half(x) + 1;\n',
  );
  write("half.ts", "// halves\nexport const half = (x: number) => x / 2;\n");
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
};

const digest = async (name = "stage.ts") => {
  const identity = await identify(path.join(folder, name));
  return identity._tag === "Known" ? Object.values(identity.parts).join() : identity.reason;
};

const changes = async (change: () => void): Promise<boolean> => {
  const before = await digest();
  assert.match(before, /^sha256-/);
  change();
  return (await digest()) !== before;
};

const install = (version: string, main = "export default 1") => {
  write(
    "node_modules/dep/package.json",
    JSON.stringify({ name: "dep", version, main: "index.js" }),
  );
  write("node_modules/dep/index.js", main);
  write("stage.ts", 'import dep from "dep";\nexport const run = () => dep;\n');
};

describe("the identity of a stage's code", () => {
  it("is the same after a change of comments, types and white space", async () => {
    assert.isFalse(
      await changes(() =>
        write(
          "half.ts",
          "/** Divides. */\nexport const half = (\n  x: number,\n): number =>\n  x / 2; // by two\n",
        ),
      ),
    );
  });

  it("is the same wherever the project lies", async () => {
    const before = await digest();
    const moved = `${folder}-moved`;
    fs.renameSync(folder, moved);
    folder = moved;
    assert.strictEqual(await digest(), before);
  });

  it("changes with an imported file", async () => {
    assert.isTrue(
      await changes(() => write("half.ts", "export const half = (x: number) => x / 3;\n")),
    );
  });

  it("changes with the version of an installed package, not with its files", async () => {
    install("1.0.0");
    assert.isFalse(await changes(() => install("1.0.0", "export default 2")));
    assert.isTrue(await changes(() => install("1.0.1")));
  });

  it("changes with the files of a linked package", async () => {
    write(
      "linked/package.json",
      JSON.stringify({ name: "linked", version: "1.0.0", main: "index.js" }),
    );
    write("linked/index.js", "export default 1");
    write("stage.ts", 'import linked from "linked";\nexport const run = () => linked;\n');
    fs.mkdirSync(path.join(folder, "node_modules"));
    fs.symlinkSync("../linked", path.join(folder, "node_modules/linked"));
    assert.isTrue(await changes(() => write("linked/index.js", "export default 2")));
  });

  it("changes with the code of a worker and with data beside it", async () => {
    write("stage.ts", 'export const worker = new URL("./worker.ts", import.meta.url);\n');
    write("worker.ts", 'export const table = new URL("./table.csv", import.meta.url);\n');
    write("table.csv", "1");
    assert.isTrue(await changes(() => write("table.csv", "2")));
    assert.isTrue(await changes(() => write("worker.ts", "export const table = 1;\n")));
  });

  it("is unknown where imports cannot be followed, and says why", async () => {
    write("stage.ts", "export const run = (name: string) => import(name);\n");
    assert.strictEqual(
      await digest(),
      "stage.ts, or what it imports, loads modules by computed names",
    );
    write("stage.ts", 'import x from "./nope.ts";\nexport const run = () => x;\n');
    assert.include(await digest(), 'Could not resolve "./nope.ts"');
    assert.include(await digest("nope.ts"), "nope.ts is not there");
  });
});
