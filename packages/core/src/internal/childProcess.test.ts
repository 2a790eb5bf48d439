import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { eventually, isRunning } from "../stage/process.fixture.ts";
import { start } from "./childProcess.ts";
import { membersOf } from "./processGroup.ts";

describe.skipIf(process.platform === "win32")("a child process", () => {
  it.live("ends with all that it started when this process is killed", () =>
    Effect.gen(function* () {
      const parent = spawn(process.execPath, [
        fileURLToPath(new URL("./childProcess.fixture.ts", import.meta.url)),
      ]);
      const said = yield* Effect.promise(() => once(parent.stdout, "data"));
      const pids = String(said[0]).trim().split(" ").map(Number);
      assert.strictEqual(pids.length, 2);
      assert.isTrue(pids.every(isRunning));
      parent.kill("SIGKILL");
      yield* eventually("all have ended", () => !pids.some(isRunning));
    }),
  );

  it.live("has a group of its own, whose members can be looked at", () =>
    Effect.gen(function* () {
      const child = yield* start({
        executable: process.execPath,
        args: ["-e", "setInterval(() => {}, 1000); console.log('here')"],
        cwd: "/",
        environment: {},
      });
      yield* Effect.promise(() => once(child.stdout, "data"));
      const members = yield* Effect.promise(() => membersOf(child.group));
      assert.deepStrictEqual(
        members.map(({ pid }) => pid),
        [child.group],
      );
      assert.isAbove(members[0]?.residentBytes ?? 0, 10 * 2 ** 20);
      yield* Effect.promise(() => child.end(0));
      const { signal } = yield* Effect.promise(() => child.ended);
      assert.include(["SIGTERM", "SIGKILL"], signal);
      assert.deepStrictEqual(yield* Effect.promise(() => membersOf(child.group)), []);
    }),
  );
});
