import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { afterAll, assert, it } from "vitest";
import { binary, mlPipe, remove, start, variant, workspace } from "./support.ts";

const cwd = workspace("interrupt");
afterAll(() => remove(cwd));
const file = variant(cwd, "pipeline.ts");

const slow = (state: string) =>
  start(["run", file, "--state", state], { cwd, env: { TINY_SLOW_MS: "60000" } });

const newest = async (state: string) =>
  Schema.decodeUnknownSync(Schema.fromJsonString(Run.Run))(
    (await mlPipe(["status", "--state", state, "--json"], { cwd })).out,
  );

const statuses = (run: Run.Run) =>
  Object.fromEntries(run.stages.map(({ stage, status }) => [stage, status]));

it("Ctrl-C interrupts cleanly: the record says so, and the next run works", async () => {
  const run = slow("ctrl-c");
  await run.until("▸ train");
  run.kill("SIGINT");
  const { code, out, err } = await run.ended;
  assert.strictEqual(code, 130, `${out}${err}`);
  assert.include(err, "interrupting … (again to stop at once)");
  assert.match(out, /^! train {2}interrupted in/m);
  assert.match(out, /^ {2}ml-pipe resume \S+ --state ctrl-c/m);
  const record = await newest("ctrl-c");
  assert.strictEqual(record.status, "interrupted");
  assert.deepInclude(statuses(record), { draw: "succeeded", train: "interrupted" });
  assert.isDefined(record.endedAt);
  assert.deepStrictEqual(readdirSync(join(cwd, "ctrl-c/tmp")), []);

  const again = await mlPipe(["run", file, "--state", "ctrl-c"], { cwd });
  assert.strictEqual(again.code, 0, again.err);
  assert.include(again.out, `continues run ${record.id}, which was interrupted`);
  assert.notMatch(again.out, /^▸ draw/m);
  assert.match(again.out, /^✓ train {2}succeeded/m);
});

it("a stage that does not end is given time to, until a second Ctrl-C", async () => {
  // Its last words take a minute.
  const stubborn = variant(cwd, "stubborn.ts", [
    "yield* Effect.sleep(slowMs);",
    "yield* Effect.onInterrupt(Effect.sleep(slowMs), () => Effect.sleep(slowMs));",
  ]);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const state = `twice-${signal}`;
    const run = start(["run", stubborn, "--no-types", "--state", state], {
      cwd,
      env: { TINY_SLOW_MS: "60000" },
    });
    await run.until("▸ train");
    run.kill(signal);
    await run.until("interrupting … (again to stop at once)");
    // It has not ended: whoever waits for the next line sees it alive.
    assert.strictEqual((await newest(state)).status, "running");
    const asked = performance.now();
    run.kill(signal);
    assert.strictEqual((await run.ended).code, 130);
    assert.isBelow(performance.now() - asked, 30_000, "did not wait for its last words");
    const record = await newest(state);
    assert.strictEqual(record.status, "interrupted");
    assert.strictEqual(statuses(record)["draw"], "succeeded");
  }
});

it("a killed run is recorded as interrupted, and the next run goes on from there", async () => {
  const run = slow("killed");
  await run.until("▸ train");
  run.kill("SIGKILL");
  await run.ended;
  const record = await newest("killed");
  assert.strictEqual(record.status, "interrupted");
  const { out } = await mlPipe(["status", "--state", "killed"], { cwd });
  assert.match(out, /^ {2}! {2}train +interrupted/m);
  assert.match(out, /^ {2}· {2}evaluate +not started/m);

  const again = await mlPipe(["run", file, "--state", "killed"], { cwd });
  assert.strictEqual(again.code, 0, again.err);
  assert.include(again.out, `continues run ${record.id}, which was interrupted`);
  assert.notMatch(again.out, /^▸ draw/m);
});

it("ends when the launcher that handed over to another Node is killed", async () => {
  const command = [process.execPath, binary, "run", file, "--no-types", "--state", "orphan"];
  const launcher = spawn("sh", ["-c", '"$@" & wait', "sh", ...command], {
    cwd,
    env: { ...process.env, ML_PIPE_HANDED_OVER: "1", TINY_SLOW_MS: "60000" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let out = "";
  for await (const chunk of launcher.stdout) {
    out += String(chunk);
    if (out.includes("▸ train")) launcher.kill("SIGKILL");
  }
  // Its output is closed: the run has ended, too.
  if (launcher.signalCode === null) await once(launcher, "exit");
  assert.strictEqual(launcher.signalCode, "SIGKILL");
  assert.strictEqual((await newest("orphan")).status, "interrupted");
});
