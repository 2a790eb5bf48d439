/** `ml-pipe lineage ARTIFACT`: where it comes from, and what used it. */
import * as path from "node:path";
import { existsSync } from "node:fs";
import { Lineage, Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { existingReport, type RunMissing, withStore } from "../StateFolder.ts";
import type { Terminal } from "../Terminal.ts";
import { lineageJson, lineageText } from "../view/lineage.ts";

/** What `lineage` was asked for. */
export interface LineageOptions {
  readonly stateFolder: string;
  readonly artifact: string;
  /** Neither of both means both. */
  readonly up: boolean;
  readonly down: boolean;
  readonly json: boolean;
}

/** Writes it; the result is an exit code. */
export const lineage = (
  { stateFolder, artifact, up, down, json }: LineageOptions,
  { out, style }: Terminal,
): Effect.Effect<number, RunMissing | Store.StoreError | Lineage.ArtifactUnknown> =>
  withStore(stateFolder, (store) =>
    Effect.gen(function* () {
      const wanted = existsSync(artifact) ? path.resolve(artifact) : artifact;
      const roots = yield* Lineage.find(wanted);
      const both = up === down;
      const traced = (direction: Lineage.Lineage["direction"]) =>
        Effect.map(Lineage.trace(roots, direction), withReports(stateFolder));
      const found = {
        ...(up || both ? { up: yield* traced("up") } : {}),
        ...(down || both ? { down: yield* traced("down") } : {}),
      };
      if (json) out(lineageJson(found));
      else {
        const parts = [
          ...(found.up === undefined ? [] : ["Made from", lineageText(found.up, style)]),
          ...(found.down === undefined ? [] : ["Used by", lineageText(found.down, style)]),
        ];
        out(both ? parts.join("\n") : parts.slice(1).join("\n"));
      }
      return ExitCode.succeeded;
    }).pipe(Effect.provideService(Store.Store, store)),
  );

const withReports =
  (folder: string) =>
  (traced: Lineage.Lineage): Lineage.Lineage => ({
    ...traced,
    stages: traced.stages.map((stage) => ({ ...stage, ...existingReport(folder, stage.run) })),
  });
