import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InfoSheet } from "@ml-pipe/ml-pipe";
import * as Schema from "effect/Schema";
import { afterAll, assert, it } from "vitest";
import { root } from "../support/repository.ts";
import { mlPipe, remove, workspace } from "./support.ts";

const cwd = workspace("init");
afterAll(() => remove(cwd));

it("writes a project that runs from its data to a monitored release, and predicts", async () => {
  const made = await mlPipe(["init", "My Shop"], { cwd });
  assert.strictEqual(made.code, 0, made.err);
  // Inside of the clone, packages are found as they are.
  assert.include(made.out, 'Next\n  cd "My Shop"\n  npx ml-pipe run pipeline.ts');
  const project = join(cwd, "My Shop");
  const manifest: unknown = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
  assert.deepInclude(manifest, { name: "my-shop", private: true, type: "module" });
  assert.notInclude(readFileSync(join(project, "pipeline.ts"), "utf8"), "{{");
  assert.include(readFileSync(join(project, "README.md"), "utf8"), "# my-shop");

  const run = await mlPipe(["run", "pipeline.ts"], { cwd: project });
  assert.strictEqual(run.code, 0, run.out + run.err);
  assert.match(run.out, /^Verdict {2}passed/m);
  assert.match(run.out, /~~DataDrift~~> train \(rerun, dry\) .+ would have acted once on 2026-06-/);
  assert.include(run.out, "ml-pipe serve late-delivery@1");

  const shown = await mlPipe(["releases", "late-delivery", "--json"], { cwd: project });
  const example: unknown = JSON.parse(shown.out).example;
  const predicted = await mlPipe(["predict", "late-delivery"], {
    cwd: project,
    input: JSON.stringify(example),
  });
  assert.strictEqual(predicted.code, 0, predicted.err);
  assert.match(predicted.out, /"probability":0\.\d+,"act":(true|false)/);

  const looks = await mlPipe(["holdout"], { cwd: project });
  assert.match(looks.out, /5,970 rows, 1 model\n +1 {2}.+ passed +95 %/);
  const sheet = await mlPipe(["report", "--info-sheet", "--json"], { cwd: project });
  const decode = Schema.decodeUnknownSync(
    Schema.fromJsonString(Schema.toCodecJson(InfoSheet.InfoSheet)),
  );
  assert.isAtLeast(decode(sheet.out).answered, 28);
  const pages = await mlPipe(["report", "--one-page", "--open", "no"], { cwd: project });
  const page = readFileSync(pages.out.trim(), "utf8");
  assert.include(page, "Yes: the model is good enough to be used for this decision.");
  assert.include(page, "EUR in a thousand decisions");
  const cards = await mlPipe(["report", "--model-card", "--out", "card"], { cwd: project });
  assert.include(cards.out, "fields are left to a person");
  const card = readFileSync(join(project, "card.md"), "utf8");
  assert.match(card, /^---\nlibrary_name: "ml-pipe"\n/);
  assert.include(card, 'type: "roc_auc"');
  assert.include(readFileSync(join(project, "card.json"), "utf8"), '"schema_version": "0.0.2"');
  const both = await mlPipe(["report", "--one-page", "--model-card"], { cwd: project });
  assert.strictEqual(both.code, 2);
  const files = await mlPipe(["report", "--info-sheet", "--out", "sheet.html"], { cwd: project });
  assert.include(files.out, "questions answered");
  for (const name of ["sheet.html", "sheet.md"]) {
    const text = readFileSync(join(project, name), "utf8");
    assert.include(text, "For a person:", name);
    assert.include(text, "Temporal leakage", name);
  }
});

it("says how a project elsewhere gets packages that are not on npm", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ml-pipe-init-"));
  const { out } = await mlPipe(["init"], { cwd: folder });
  assert.include(
    out,
    `Next\n  npm --prefix "${root}" run pack\n  npm install "${root}"/packed/*.tgz\n  npx ml-pipe run`,
  );
  rmSync(folder, { recursive: true });
});

it("overwrites nothing", async () => {
  writeFileSync(join(cwd, "README.md"), "mine");
  const { code, err } = await mlPipe(["init"], { cwd });
  assert.strictEqual(code, 2);
  assert.include(err, "ProjectExists:");
  assert.include(err, "already has README.md. Nothing was written: choose another folder");
  assert.strictEqual(readFileSync(join(cwd, "README.md"), "utf8"), "mine");
});

it("says why it cannot write", async () => {
  writeFileSync(join(cwd, "a-file"), "");
  const { code, err } = await mlPipe(["init", "a-file/project"], { cwd });
  assert.strictEqual(code, 1);
  assert.include(err, "(ENOTDIR). Part of the path is a file, not a folder");
});
