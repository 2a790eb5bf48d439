import { assert, describe, it } from "@effect/vitest";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import * as Effect from "effect/Effect";
import { deadPid } from "./folder.fixture.ts";
import { isAlive } from "./process.ts";

describe("isAlive", () => {
  it("knows processes that run, and those that have ended", () => {
    assert.isTrue(isAlive(process.pid, Date.now()));
    assert.isTrue(isAlive(process.ppid, Date.now()));
    assert.isFalse(isAlive(deadPid(), Date.now()));
  });

  it("what is older than this process was another's, also under its number", () => {
    assert.isFalse(isAlive(process.pid, 0));
  });

  it.live.skipIf(process.platform !== "linux")("one that nobody takes note of has ended too", () =>
    Effect.promise(async () => {
      // A shell that became a sleep: it never takes note of the end of the child that it had started.
      const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"]);
      const [line] = await once(parent.stdout, "data");
      const pid = Number(String(line).trim());
      // As long as it is a shell, it does take note.
      const comm = `/proc/${parent.pid}/comm`;
      for (let turn = 0; turn < 200 && readFileSync(comm, "utf8") !== "sleep\n"; turn++) {
        await new Promise((done) => setTimeout(done, 10));
      }
      process.kill(pid, "SIGKILL");
      for (let turn = 0; turn < 200 && isAlive(pid, Date.now()); turn++) {
        await new Promise((done) => setTimeout(done, 10));
      }
      const there = process.kill(pid, 0);
      const alive = isAlive(pid, Date.now());
      parent.kill("SIGKILL");
      assert.deepStrictEqual([there, alive], [true, false]);
    }),
  );
});
