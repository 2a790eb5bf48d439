/** What a person sees on a terminal while a pipeline runs; and that pipes and files see none of it. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, assert, describe, it } from "vitest";
import { openTerminal } from "../../packages/cli/src/view/vt.fixture.ts";
import { root } from "../support/repository.ts";
import { remove, start, variant, workspace } from "./support.ts";

const cwd = workspace("live");
afterAll(() => remove(cwd));

const sleep = "yield* Effect.sleep(slowMs);";
const fixture = pathToFileURL(join(root, "test/cli/fixtures/terminal.mjs")).href;

const live = (file: string, state: string, env: NodeJS.ProcessEnv = {}) =>
  start(["run", file, "--no-types", "--state", state], {
    cwd,
    env: {
      NODE_OPTIONS: `--import ${fixture}`,
      TERMINAL_COLUMNS: "80",
      TERMINAL_ROWS: "24",
      TERM: "xterm-256color",
      ...env,
    },
  });

const hide = "\u001b[?25l";
const show = "\u001b[?25h";
// oxlint-disable-next-line no-control-regex
const moves = /\u001b\[[0-9;?]*[A-HJKhlr]/;

const screenOf = async (out: string, columns = 80, rows = 24): Promise<string> => {
  const terminal = openTerminal(columns, rows);
  terminal.canvas.write(out.replaceAll("\n", "\r\n").replaceAll("\r\r\n", "\r\n"));
  await terminal.show();
  const { scrolled, window } = terminal.seen();
  return [...scrolled, ...window].join("\n").trimEnd();
};

describe("on a terminal", () => {
  it("draws one tree; what a stage prints stands above it", async () => {
    const file = variant(cwd, "prints.ts", [
      sleep,
      `console.log("said by a stage");
    process.stdout.write("half a line");
    ${sleep}
    process.stdout.write(", and its end\\u001b[2J\\n");
    ${sleep}`,
    ]);
    const { code, out, err } = await live(file, "prints", { TINY_SLOW_MS: "400" }).ended;
    assert.strictEqual(code, 0, err);
    const screen = await screenOf(out);
    assert.match(
      screen,
      /^types not checked.*\nsaid by a stage\nhalf a line, and its end\ntiny {2}run \S+ {2}.+\n {2}✓ draw .+\n {2}✓ inspect .+\n {2}✓ train .+\n {2}✓ evaluate .+\n {2}✓ gate .+\n {2}✓ monitor .+\n\ntiny {2}run \S+ {2}succeeded in/,
    );
    assert.strictEqual(screen.split("said by a stage").length, 2, "said once");
    assert.strictEqual(out.split(hide).length, 2);
    assert.strictEqual(out.split(show).length, 2);
    assert.isBelow(out.indexOf(hide), out.indexOf(show));
  });

  it("is readable in 40 columns and 5 rows", async () => {
    const file = variant(cwd, "small.ts");
    const size = { TERMINAL_COLUMNS: "40", TERMINAL_ROWS: "5" };
    const run = live(file, "small", { ...size, TINY_SLOW_MS: "60000" });
    const out = await run.until("train");
    const { window, scrolled } = await (async () => {
      const terminal = openTerminal(40, 5);
      terminal.canvas.write(out.replaceAll(/(?<!\r)\n/g, "\r\n"));
      await terminal.show();
      return terminal.seen();
    })();
    assert.deepStrictEqual(scrolled, []);
    const text = window.join("\n");
    assert.match(text, /^tiny {2}run /m);
    assert.match(text, /^ {2}\S train /m);
    assert.match(text, /^ {2}… .*3 waiting$/m);
    run.kill("SIGTERM");
    const ended = await run.ended;
    assert.strictEqual(ended.code, 130);
    assert.isAbove(ended.out.lastIndexOf(show), ended.out.lastIndexOf(hide), "cursor is back");
  });

  it("gives the cursor back when a second Ctrl-C or an error that nobody caught ends it", async () => {
    const stubborn = variant(cwd, "stubborn.ts", [
      sleep,
      "yield* Effect.onInterrupt(Effect.sleep(slowMs), () => Effect.sleep(slowMs));",
    ]);
    const run = live(stubborn, "stubborn", { TINY_SLOW_MS: "60000" });
    await run.until("train");
    run.kill("SIGINT");
    await run.until("interrupting …");
    run.kill("SIGINT");
    const killed = await run.ended;
    assert.strictEqual(killed.code, 130);
    assert.isTrue(killed.out.endsWith(show), JSON.stringify(killed.out.slice(-60)));

    const broken = variant(cwd, "broken.ts", [
      sleep,
      `setTimeout(() => { throw new Error("from a timer"); }, 50); ${sleep}`,
    ]);
    const thrown = await live(broken, "broken", { TINY_SLOW_MS: "60000" }).ended;
    assert.notStrictEqual(thrown.code, 0);
    assert.include(thrown.err, "from a timer");
    assert.isTrue(thrown.out.endsWith(show), JSON.stringify(thrown.out.slice(-60)));
  });

  it("has no colours with NO_COLOR, and plain lines where TERM is dumb", async () => {
    const file = variant(cwd, "plain.ts");
    const { out } = await live(file, "no-color").ended;
    assert.match(out, moves);
    // oxlint-disable-next-line no-control-regex
    assert.notMatch(out, /\u001b\[[0-9;]*m/);
    const dumb = await live(file, "dumb", { TERM: "dumb" }).ended;
    assert.notInclude(dumb.out, "\u001b");
    assert.match(dumb.out, /^✓ train {2}succeeded in/m);
    const coloured = await live(file, "colours", { NO_COLOR: "" }).ended;
    assert.include(coloured.out, "\u001b[32m✓\u001b[39m");
  });
});

describe("in a pipe", () => {
  it("has no control codes; colours only if they are forced", async () => {
    const file = variant(cwd, "piped.ts");
    const run = (state: string, env: NodeJS.ProcessEnv) =>
      start(["run", file, "--no-types", "--state", state], { cwd, env }).ended;
    assert.notInclude((await run("piped", { NO_COLOR: "" })).out, "\u001b");
    const forced = await run("forced", { NO_COLOR: "", FORCE_COLOR: "1" });
    assert.include(forced.out, "\u001b[32m✓\u001b[39m");
    assert.notMatch(forced.out, moves);
  });
});
