import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, assert, beforeAll, describe, it } from "vitest";
import { mlPipe, remove, workspace } from "./support.ts";

const cwd = workspace("completions");
afterAll(() => remove(cwd));

const verbs = ["check", "run", "show", "status", "runs", "report", "releases", "predict", "serve"];

const script = async (shell: string): Promise<string> => {
  const { code, out, err } = await mlPipe(["--completions", shell], { cwd });
  assert.strictEqual(code, 0, err);
  for (const verb of verbs) assert.include(out, verb);
  return out;
};

describe("bash", () => {
  beforeAll(async () => {
    writeFileSync(join(cwd, "ml-pipe.bash"), await script("bash"));
    writeFileSync(join(cwd, "pipeline.ts"), "");
    mkdirSync(join(cwd, "states"), { recursive: true });
  });

  const bash = (program: string): string => {
    const { status, stdout, stderr } = spawnSync("bash", ["--norc", "-c", program], {
      cwd,
      encoding: "utf8",
    });
    assert.strictEqual(status, 0, stderr);
    assert.strictEqual(stderr, "");
    return stdout.trim();
  };

  /** What Tab offers after these words; the last one is being typed. */
  const offered = (...words: ReadonlyArray<string>): ReadonlyArray<string> =>
    bash(`
      source ml-pipe.bash
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
      COMP_LINE="\${COMP_WORDS[*]}"
      COMP_POINT=\${#COMP_LINE}
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _ml_pipe "\${COMP_WORDS[0]}" "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
      printf '%s\\n' "\${COMPREPLY[@]}"
    `).split("\n");

  it("accepts the script, which registers itself", () => {
    bash("bash -n ml-pipe.bash");
    assert.include(bash("source ml-pipe.bash && complete -p ml-pipe"), "-F _ml_pipe");
  });

  it("completes verbs, flags, choices and files", () => {
    assert.includeMembers([...offered("ml-pipe", "")], verbs);
    assert.includeMembers([...offered("ml-pipe", "re")], ["report", "releases"]);
    assert.notInclude(offered("ml-pipe", "re"), "run");
    assert.includeMembers([...offered("ml-pipe", "run", "--")], ["--no-types", "--force"]);
    assert.deepStrictEqual(offered("ml-pipe", "run", "pipe"), ["pipeline.ts"]);
    assert.deepStrictEqual(offered("ml-pipe", "report", "--open", ""), ["yes", "no"]);
    assert.deepStrictEqual(offered("ml-pipe", "init", "sta"), ["states"]);
  });
});

describe("other shells", () => {
  it("get a script too", async () => {
    assert.match(await script("zsh"), /^#compdef ml-pipe$/m);
    assert.match(await script("fish"), /^complete -c ml-pipe /m);
  });

  it("are refused if there is none for them", async () => {
    const { code, err } = await mlPipe(["--completions", "csh"], { cwd });
    assert.strictEqual(code, 2);
    assert.include(err, "bash");
  });
});
