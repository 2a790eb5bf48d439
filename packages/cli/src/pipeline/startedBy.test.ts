import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, assert, beforeEach, describe, it, vi } from "vitest";
import { startedBy } from "./startedBy.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ml-pipe-started-by-"));
  // Git as it would be without any configuration of whoever runs the tests.
  vi.stubEnv("GIT_CONFIG_GLOBAL", join(folder, "none"));
  vi.stubEnv("GIT_CONFIG_SYSTEM", join(folder, "none"));
  vi.stubEnv("ML_PIPE_USER", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe("startedBy", () => {
  const git = (...args: ReadonlyArray<string>) => execFileSync("git", args, { cwd: folder });
  const file = () => join(folder, "pipeline.ts");

  it("is the login where nothing else is known", () => {
    assert.strictEqual(startedBy(undefined, file()), userInfo().username);
  });

  it("is who Git says works in the project: the address, else the name", () => {
    git("init", "--quiet");
    git("config", "user.name", "Ana Maria");
    assert.strictEqual(startedBy(undefined, file()), "Ana Maria");
    git("config", "user.email", "ana@example.org");
    assert.strictEqual(startedBy(undefined, file()), "ana@example.org");
  });

  it("is ML_PIPE_USER before that, and what is given before all", () => {
    git("init", "--quiet");
    git("config", "user.email", "ana@example.org");
    vi.stubEnv("ML_PIPE_USER", "ben");
    assert.strictEqual(startedBy(undefined, file()), "ben");
    assert.strictEqual(startedBy("eve", file()), "eve");
  });

  it("is the login where there is no Git", () => {
    vi.stubEnv("PATH", folder);
    assert.strictEqual(startedBy(undefined, file()), userInfo().username);
  });
});
