/** A search whose process is killed half-way goes on with the trials that are left, and finds the same. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, assert, it } from "vitest";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-search-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Runs the search in a state folder to its end, or until it kills itself. */
const search = (
  name: string,
  env: { readonly HANG_AT?: string } = {},
): Promise<{ readonly signal: string | null; readonly out: string }> =>
  new Promise((resolve, reject) => {
    const program = path.join(import.meta.dirname, "searchProgram.ts");
    const home = path.join(folder, name);
    const args = [
      "--conditions=@ml-pipe/source",
      program,
      home,
      path.join(folder, `${name}.notes`),
    ];
    const child = spawn(process.execPath, args, {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (data) => (out += data));
    child.once("error", reject);
    child.once("close", (_, signal) => resolve({ signal, out }));
  });

/** The trials that began, or that were trained, in order. */
const noted = (name: string, what: "begin" | "trained"): ReadonlyArray<string> =>
  fs
    .readFileSync(path.join(folder, `${name}.notes`), "utf8")
    .split("\n")
    .flatMap((line) => (line.startsWith(`${what} `) ? [line.slice(what.length + 1)] : []));

it("trains no finished trial again after a kill, and keeps the same winner", async () => {
  const whole = search("whole");
  const killed = await search("killed", { HANG_AT: "5" });
  assert.strictEqual(killed.signal, "SIGKILL");
  const finished = noted("killed", "trained");
  assert.strictEqual(finished.length, 4);
  const begunBefore = noted("killed", "begin").length;

  const resumed = await search("killed");
  assert.strictEqual(resumed.signal, null);
  const begunAfter = noted("killed", "begin").slice(begunBefore);
  assert.strictEqual(begunAfter.length, 4);
  for (const trial of begunAfter) assert.notInclude(finished, trial);

  const uninterrupted = await whole;
  assert.strictEqual(noted("whole", "trained").length, 8);
  const result: unknown = JSON.parse(resumed.out);
  assert.deepStrictEqual(result, JSON.parse(uninterrupted.out));
  assert.match(resumed.out, /"kind":"logistic regression, best of 8 trials"/);
});
