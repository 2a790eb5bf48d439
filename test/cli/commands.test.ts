import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Graph, Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { afterAll, assert, describe, it } from "vitest";
import { RunLine } from "../../packages/cli/src/view/events.ts";
import { root } from "../support/repository.ts";
import { lineOf, mlPipe, remove, variant, workspace } from "./support.ts";

const cwd = workspace("commands");
afterAll(() => remove(cwd));
const file = variant(cwd, "pipeline.ts");

/** The lines of `run --json`; each must be one of those that are documented, and nothing more. */
const linesOf = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) =>
      Schema.decodeUnknownSync(Schema.fromJsonString(RunLine))(line, { onExcessProperty: "error" }),
    );

const decodeRun = Schema.decodeUnknownSync(Schema.fromJsonString(Run.Run));

describe("check", () => {
  it("says that a pipeline is valid, and does not check its types twice", async () => {
    const first = await mlPipe(["check", file], { cwd });
    assert.strictEqual(first.code, 0, first.err);
    assert.match(first.out, /✓ tiny is valid {2}pipeline\.ts/);
    assert.match(first.out, /types {6}checked in/);
    assert.match(first.out, /graph {6}6 stages, 1 feedback edge/);
    assert.strictEqual(first.err, "");
    const second = await mlPipe(["check", file], { cwd });
    assert.include(second.out, "unchanged since they were last checked");
  });

  it("checks again when a file that the pipeline imports has changed", async () => {
    const slope = join(cwd, "slope.ts");
    const before = readFileSync(slope, "utf8");
    writeFileSync(slope, before.replace("ReadonlyArray<number>", "ReadonlyArray<string>"));
    const { code, err } = await mlPipe(["check", file], { cwd });
    writeFileSync(slope, before);
    assert.strictEqual(code, 2);
    assert.include(err, `slope.ts:${lineOf(cwd, "slope.ts", "const mean")}:`);
    assert.include(err, 'stage "train"');
    assert.strictEqual((await mlPipe(["check", file], { cwd })).code, 0);
  });

  it("prints one JSON document", async () => {
    const { out } = await mlPipe(["check", file, "--json"], { cwd });
    const parsed: unknown = JSON.parse(out);
    const { graph } = Schema.decodeUnknownSync(
      Schema.Struct({ valid: Schema.Literal(true), graph: Graph.Graph }),
    )(parsed);
    assert.strictEqual(graph.pipeline, "tiny");
  });
});

describe("run", () => {
  const state = "run-state";
  const run = (...args: ReadonlyArray<string>) =>
    mlPipe(["run", file, "--state", state, ...args], { cwd });

  it("tells what happens, then the verdict, hooks, the report and what to do next", async () => {
    const { code, out, err } = await run();
    assert.strictEqual(code, 0, err);
    for (const line of [
      /^▸ draw {2}started: it has not run before$/m,
      /^✓ draw {2}succeeded in .+ {2}3 rows$/m,
      /^✓ inspect {2}succeeded in .+ {2}1 warning$/m,
      /^tiny {2}run \S+ {2}succeeded in /m,
      /^ {2}warn inspect: numbers\.few: expected at least 10 numbers, found 3 numbers \[urn-keepers\]\. draw more$/m,
      /^Verdict {2}passed {2}evaluate, against the charter "Guess a number": beat always small by 0\.1 coins per guess or more$/m,
      /^ {2}✓ gain: 0\.3 \(95 % 0\.2 to 0\.4\) \(expected a gain of at least 0\.1 coins per guess over always small\)$/m,
      /^ {2}monitor ~~Drift~~> train \(rerun, dry\) {2}3 signals, would have acted once on 2026-01-03: raised 2 times in a row/m,
      /^Report {2}run-state\/reports\/.+\.html$/m,
      /^ {2}ml-pipe report \S+ --state run-state/m,
      /^ {2}ml-pipe show pipeline\.ts --state run-state/m,
    ]) {
      assert.match(out, line);
    }
    const report = /^Report {2}(.+)$/m.exec(out)?.[1] ?? "";
    assert.include(readFileSync(join(cwd, report), "utf8").toLowerCase(), "<!doctype html");
  });

  it("reuses what is unchanged, also when only comments and formatting changed", async () => {
    const before = readFileSync(join(cwd, file), "utf8");
    writeFileSync(join(cwd, file), `${before.replaceAll("  ", "   ")}\n// a comment\n`);
    const { code, out } = await run();
    writeFileSync(join(cwd, file), before);
    assert.strictEqual(code, 0);
    for (const stage of ["draw", "inspect", "train", "evaluate", "monitor"]) {
      assert.match(
        out,
        new RegExp(`^= ${stage} {2}cached: inputs, parameters and code are unchanged`, "m"),
      );
    }
  });

  it("runs again what has changed, in the file or in one that it imports", async () => {
    const slope = join(cwd, "slope.ts");
    const before = readFileSync(slope, "utf8");
    writeFileSync(slope, before.replace("over / under", "(2 * over) / under"));
    const { out } = await run();
    writeFileSync(slope, before);
    assert.match(out, /^✓ train {2}succeeded/m);
    // Its code, in a package, and its input are the same.
    assert.match(out, /^✓ evaluate {2}succeeded/m);
  });

  it("runs everything when forced", async () => {
    assert.notInclude((await run("--force")).out, "cached");
  });

  it("streams events as lines of JSON that fit the schema, ending with the run", async () => {
    const { code, out } = await run("--json");
    assert.strictEqual(code, 0);
    const events = linesOf(out);
    const tags = events.map(({ _tag }) => _tag);
    assert.strictEqual(tags[0], "RunStarted");
    assert.deepStrictEqual(tags.slice(-3), ["HookDecided", "RunEnded", "ReportWritten"]);
    const ended = events.at(-2);
    assert(ended?._tag === "RunEnded");
    assert.strictEqual(ended.run.status, "succeeded");
    assert.strictEqual(ended.run.stages.length, 6);
  });

  it("streams nothing else: what a stage prints goes to standard error", async () => {
    const chatty = variant(cwd, "chatty.ts", [
      "yield* Effect.sleep(slowMs);",
      'console.log("by console"); process.stdout.write("by hand");',
    ]);
    const streamed = await mlPipe(["run", chatty, "--no-types", "--json", "--state", "chatty"], {
      cwd,
    });
    assert.strictEqual(streamed.code, 0, streamed.err);
    assert.strictEqual(linesOf(streamed.out).at(-1)?._tag, "ReportWritten");
    assert.match(streamed.err, /^by console$/m);
    assert.match(streamed.err, /^by hand$/m);
    const refused = await mlPipe(["run", "nothing.ts", "--json", "--state", "chatty"], { cwd });
    assert.strictEqual(refused.code, 2);
    const [line, ...more] = linesOf(refused.out);
    assert.deepStrictEqual([line?._tag, more], ["Refused", []]);
    assert.throws(() => linesOf('{"_tag":"StageEnded","stage":{"stage":"train"}}'));
  });

  it("ends with 3 when a gate stays shut, and says why", async () => {
    const { code, out } = await mlPipe(["run", file, "--state", "rejected"], {
      cwd,
      env: { TINY_MODE: "reject" },
    });
    assert.strictEqual(code, 3);
    const place = `pipeline.ts:${lineOf(cwd, file, "Verdict.gate(")}`;
    assert.include(
      out,
      `${place}  stage "gate"  GateClosed: the model is rejected, so it is not deployed:`,
    );
    assert.include(
      out,
      "gain failed: expected a gain of at least 0.1 coins per guess over always small, found 0.02",
    );
    assert.match(out, /^Verdict {2}rejected/m);
    assert.match(out, /^· monitor {2}not reached: a stage it depends on did not succeed$/m);
  });

  it("ends with 1 when a stage breaks, and says which, where and what to do", async () => {
    const { code, out, err } = await mlPipe(["run", file, "--state", "failed"], {
      cwd,
      env: { TINY_MODE: "fail" },
    });
    assert.strictEqual(code, 1);
    const place = `pipeline.ts:${lineOf(cwd, file, "const drawn = draw()")}`;
    assert.include(
      out,
      `${place}  stage "draw"  DrawFailed: the urn "left" is empty. Fill it and run again.`,
    );
    assert.include(out, "ml-pipe check pipeline.ts --state failed");
    assert.notMatch(out + err, /^\s+at /m, "no stack trace");
  });

  it("does not check types if told so", async () => {
    const wrong = variant(cwd, "wrong-types.ts", [
      "slope: slope(numbers)",
      "slope: slope<never>(numbers)",
    ]);
    const { code, out } = await mlPipe(["run", wrong, "--no-types", "--state", "untyped"], { cwd });
    assert.strictEqual(code, 0);
    assert.include(out, "types not checked (--no-types)");
    assert.isFalse(existsSync(join(cwd, "untyped/typecheck")));
  });
});

describe("reading runs", () => {
  const state = "reading";
  const env = { ML_PIPE_STATE: state };
  const read = (...args: ReadonlyArray<string>) => mlPipe(args, { cwd, env });

  it("shows the newest run, by name or its beginning too", async () => {
    assert.strictEqual((await read("run", file)).code, 0);
    const { out } = await read("status");
    assert.match(out, /^tiny {2}run (\S+) {2}succeeded in/);
    assert.match(out, /^ {2}✓ {2}draw {6}\S+ m?s +3 rows/m);
    assert.include(out, "Verdict  passed");
    const run = decodeRun((await read("status", "--json")).out);
    assert.strictEqual(run.status, "succeeded");
    assert.strictEqual((await read("status", run.id.slice(0, 18))).code, 0);
    const missing = await read("status", "19990101");
    assert.strictEqual(missing.code, 2);
    assert.include(
      missing.err,
      'no run "19990101" is recorded in reading. See them with: ml-pipe runs',
    );
  });

  it("lists runs, the newest first", async () => {
    assert.strictEqual(
      (await mlPipe(["run", file], { cwd, env: { ...env, TINY_MODE: "fail" } })).code,
      0,
    );
    const { out } = await read("runs");
    assert.strictEqual(out.trim().split("\n").length, 2);
    const runs = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Run.RunSummary)))(
      (await read("runs", "--json")).out,
    );
    assert.deepStrictEqual(
      runs.map(({ status }) => status),
      ["succeeded", "succeeded"],
    );
    assert.isAtLeast(runs[0]?.startedAt.getTime() ?? 0, runs[1]?.startedAt.getTime() ?? 0);
    const one = await read("runs", "--limit", "1");
    assert.strictEqual(one.out.trim().split("\n").length, 1);
  });

  it("shows the graph of a file and of a run alike", async () => {
    const ofFile = await read("show", file);
    const ofRun = await read("show");
    assert.strictEqual(ofFile.out, ofRun.out);
    assert.include(
      ofFile.out,
      "monitor ~~Drift~~> train (rerun, dry) at 0.2 or more, 2 times in a row, cool-down 7 days, at most 1 in 7 days",
    );
    assert.match(ofFile.out, /^ 6 monitor {2}watches the numbers {2}pipeline\.ts:\d+$/m);
    assert.match(ofFile.out, /^ {5}← {2}gate +Verdict<passed> as verdict$/m);
    const graph = Schema.decodeUnknownSync(Schema.fromJsonString(Graph.Graph))(
      (await read("show", file, "--json")).out,
    );
    assert.deepStrictEqual(graph.feedback[0]?.to, "train");
  });

  it("shows one stage, and suggests one for a name that it does not know", async () => {
    const one = await read("show", file, "--stage", "draw");
    assert.include(one.out, 'parameters  {"count":3}');
    const { code, err } = await read("show", file, "--stage", "evalute");
    assert.strictEqual(code, 2);
    assert.include(
      err,
      'StageUnknown: the pipeline "tiny" has no stage "evalute". Did you mean "evaluate"? Its stages are draw, inspect, train, evaluate, gate, monitor',
    );
  });

  it("writes the report where it is wanted", async () => {
    const { code, out, err } = await read("report", "--out", "here/report.html");
    assert.strictEqual(code, 0, err);
    assert.strictEqual(out.trim(), join(cwd, "here/report.html"));
    assert.include(readFileSync(join(cwd, "here/report.html"), "utf8"), "tiny");
    const missing = await read("report", "nope");
    assert.strictEqual(missing.code, 2);
    assert.include(missing.err, 'no run "nope" is recorded');
  });

  it("says what to do where nothing is recorded yet, and makes no folder", async () => {
    const { code, err } = await mlPipe(["status", "--state", "empty"], { cwd });
    assert.strictEqual(code, 2);
    assert.include(err, "no runs are recorded in empty yet. Run a pipeline with: ml-pipe run FILE");
    const runs = await mlPipe(["runs", "--state", "empty", "--json"], { cwd });
    assert.deepStrictEqual([runs.code, runs.out.trim()], [0, "[]"]);
    assert.isFalse(existsSync(join(cwd, "empty")));
  });
});

describe("usage", () => {
  it("documents verbs and exit codes", async () => {
    const { code, out } = await mlPipe(["--help"], { cwd });
    assert.strictEqual(code, 0);
    for (const text of [
      "check",
      "run",
      "show",
      "status",
      "runs",
      "report",
      "EXIT CODES",
      "stopped by a gate",
    ]) {
      assert.include(out, text);
    }
    assert.match((await mlPipe(["run", "--help"], { cwd })).out, /--no-types/);
  });

  it("has every verb and exit code in its page", async () => {
    const page = readFileSync(join(root, "docs/command-line.md"), "utf8");
    const help = (await mlPipe(["--help"], { cwd })).out;
    const [, subcommands = "", codes = ""] =
      /SUBCOMMANDS\n([^]*?)\n\nEXIT CODES\n([^]*)/.exec(help) ?? [];
    const verbs = Array.from(subcommands.matchAll(/^ {2}([a-z]+) /gm), ([, verb]) => verb);
    assert.includeMembers(verbs, ["run", "resume", "approve"]);
    for (const verb of verbs) assert.match(page, new RegExp(`\`${verb}[\` ]`), verb);
    const known = Array.from(codes.matchAll(/^ {2}(\d+) /gm), ([, code]) => code);
    assert.sameMembers(known, ["0", "1", "2", "3", "4", "130"]);
    for (const code of known) assert.match(page, new RegExp(`^\\| ${code} +\\|`, "m"), code);
  });

  it("suggests the verb or flag that was meant", async () => {
    const verb = await mlPipe(["rum", file], { cwd });
    assert.strictEqual(verb.code, 2);
    assert.match(verb.err, /Unknown subcommand "rum"[^]*Did you mean this\?\s+run/);
    assert.include(verb.err, "See: ml-pipe --help");
    const flag = await mlPipe(["run", file, "--forse"], { cwd });
    assert.strictEqual(flag.code, 2);
    assert.match(flag.err, /--forse[^]*--force/);
    const argument = await mlPipe(["run"], { cwd });
    assert.strictEqual(argument.code, 2);
    assert.include(argument.err, "FILE");
  });
});
