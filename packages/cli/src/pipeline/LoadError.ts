/** Why a pipeline file could not be used: which file and line, what is wrong, what to do. */
import type { Pipeline } from "@ml-pipe/core";
import * as Schema from "effect/Schema";

const place = {
  file: Schema.String,
  /** 1-based. */
  line: Schema.optionalKey(Schema.Int),
  /** 1-based. */
  column: Schema.optionalKey(Schema.Int),
};

/** There is no such file, or it is a folder. */
export class PipelineFileMissing extends Schema.TaggedError<PipelineFileMissing>()(
  "PipelineFileMissing",
  { ...place, isFolder: Schema.Boolean, candidates: Schema.Array(Schema.String) },
) {
  override get message(): string {
    const what = this.isFolder ? "this is a folder, not a pipeline file" : "there is no such file";
    return this.candidates.length === 0
      ? `${what}. Give the path of a pipeline file, or write a first one with: ml-pipe init`
      : `${what}. Did you mean ${this.candidates.join(" or ")}?`;
  }
}

/** The file, or one that it imports, is not JavaScript once its types are removed. */
export class PipelineSyntax extends Schema.TaggedError<PipelineSyntax>()("PipelineSyntax", {
  ...place,
  problem: Schema.String,
}) {
  override get message(): string {
    const unsupported = this.problem.includes("not supported in strip-only mode");
    const next = unsupported
      ? "Node runs TypeScript by removing its types, so what generates code (enums, namespaces, parameter properties) must be written in plain JavaScript"
      : "Correct the syntax there";
    return `${this.problem}. ${next}.`;
  }
}

/** It imports something that is not there. */
export class PipelineImportMissing extends Schema.TaggedError<PipelineImportMissing>()(
  "PipelineImportMissing",
  { ...place, imported: Schema.String, kind: Schema.Literals(["package", "module", "export"]) },
) {
  override get message(): string {
    switch (this.kind) {
      case "package":
        return `it imports the package "${this.imported}", which is not installed. Run: npm install ${this.imported}`;
      case "module":
        return `it imports ${this.imported}, which does not exist. Correct the path (with its ending, such as .ts), or write the file.`;
      case "export":
        return `${this.imported}. Correct the name, or export it there.`;
    }
  }
}

/** Its packages are another installation than this command's: their values do not fit together. */
export class PipelineOfAnotherCopy extends Schema.TaggedError<PipelineOfAnotherCopy>()(
  "PipelineOfAnotherCopy",
  { ...place, imported: Schema.String, own: Schema.String },
) {
  override get message(): string {
    return `it imports ml-pipe from ${this.imported}, and this command is of ${this.own}: one run takes one installation. Run it with that of its project: npx ml-pipe, in the folder of the pipeline.`;
  }
}

/** Its top level threw while it was imported. */
export class PipelineThrew extends Schema.TaggedError<PipelineThrew>()("PipelineThrew", {
  ...place,
  /** Name of the error thrown. */
  error: Schema.String,
  problem: Schema.String,
  stack: Schema.String,
  /** Whether ml-pipe refused a definition; else the file's own code failed. */
  refused: Schema.Boolean,
}) {
  override get message(): string {
    // What is wrong with a definition says itself what to do.
    return this.refused
      ? this.problem
      : `it threw ${this.error} while being read: ${this.problem.replace(/\.$/, "")}. A pipeline file only describes its pipeline; what can fail belongs into a stage.`;
  }
}

/** It has no default export, or one that is not a pipeline. */
export class PipelineNotExported extends Schema.TaggedError<PipelineNotExported>()(
  "PipelineNotExported",
  {
    ...place,
    /** What the default export is, if there is one. */
    found: Schema.optionalKey(Schema.String),
    /** Names of other exports that are pipelines. */
    pipelines: Schema.Array(Schema.String),
  },
) {
  override get message(): string {
    const [named] = this.pipelines;
    const what =
      this.found === undefined
        ? "it has no default export"
        : `its default export is ${this.found}, not a pipeline`;
    const next =
      named === undefined
        ? `End the file with: export default Pipeline.make("name", { charter }, () => ({ … }))`
        : `Its export "${named}" is a pipeline: write export default ${named}`;
    return `${what}. ${next}`;
  }
}

/** Why a pipeline file could not be loaded. */
export type LoadError =
  | PipelineFileMissing
  | PipelineSyntax
  | PipelineImportMissing
  | PipelineOfAnotherCopy
  | PipelineThrew
  | PipelineNotExported
  | Pipeline.PipelineInvalid;
