/**
 * Model cards (Mitchell et al., FAT* 2019) of a run: the metadata that the Hugging Face Hub reads, the fields
 * of Google's Model Card Toolkit (schema 0.0.2), and text for people. Answered from the record of the run
 * and nothing else; what that cannot know is listed for a person, never made up.
 */
import type { Holdout, Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { knownOf } from "./internal/infoSheet/known.ts";
import { hubOf } from "./internal/modelCard/hub.ts";
import { sectionsOf } from "./internal/modelCard/sections.ts";
import { leftOf, toolkitOf } from "./internal/modelCard/toolkit.ts";

const Metric = Schema.Struct({ type: Schema.String, name: Schema.String, value: Schema.Finite });

/** The metadata of a Hub model card: what stands at its top, in YAML. */
export const HubMetadata = Schema.Struct({
  library_name: Schema.String,
  pipeline_tag: Schema.optionalKey(Schema.String),
  tags: Schema.Array(Schema.String),
  metrics: Schema.optionalKey(Schema.Array(Schema.String)),
  "model-index": Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        name: Schema.String,
        results: Schema.Array(
          Schema.Struct({
            task: Schema.Struct({ type: Schema.String, name: Schema.String }),
            dataset: Schema.Struct({
              type: Schema.String,
              name: Schema.String,
              split: Schema.String,
              revision: Schema.String,
            }),
            metrics: Schema.Array(Metric),
          }),
        ),
      }),
    ),
  ),
});
/** See {@link HubMetadata}. */
export type HubMetadata = typeof HubMetadata.Type;

const Named = Schema.Struct({ name: Schema.String });

/** The fields of the Model Card Toolkit that a run can answer, by their names there. */
export const ToolkitCard = Schema.Struct({
  schema_version: Schema.Literal("0.0.2"),
  model_details: Schema.Struct({
    name: Schema.String,
    overview: Schema.String,
    owners: Schema.Array(Named),
    version: Schema.Struct({ name: Schema.String, date: Schema.String }),
  }),
  model_parameters: Schema.Struct({
    model_architecture: Schema.optionalKey(Schema.String),
    data: Schema.Array(Named),
    input_format: Schema.optionalKey(Schema.String),
    output_format: Schema.optionalKey(Schema.String),
  }),
  quantitative_analysis: Schema.Struct({
    performance_metrics: Schema.Array(
      Schema.Struct({
        type: Schema.String,
        value: Schema.String,
        slice: Schema.optionalKey(Schema.String),
        confidence_interval: Schema.optionalKey(
          Schema.Struct({ lower_bound: Schema.String, upper_bound: Schema.String }),
        ),
      }),
    ),
  }),
  considerations: Schema.Struct({
    users: Schema.Array(Schema.Struct({ description: Schema.String })),
    use_cases: Schema.Array(Schema.Struct({ description: Schema.String })),
    limitations: Schema.Array(Schema.Struct({ description: Schema.String })),
    tradeoffs: Schema.Array(Schema.Struct({ description: Schema.String })),
  }),
});
/** See {@link ToolkitCard}. */
export type ToolkitCard = typeof ToolkitCard.Type;

/** A model card of one run. */
export const ModelCard = Schema.Struct({
  run: Schema.String,
  pipeline: Schema.String,
  startedAt: Schema.DateFromString,
  huggingFace: HubMetadata,
  modelCardToolkit: ToolkitCard,
  /** The card for people, in the order of the Hub's template: titles, lines of plain text, a table. */
  sections: Schema.Array(
    Schema.Struct({
      title: Schema.String,
      lines: Schema.Array(Schema.String),
      table: Schema.optionalKey(
        Schema.Struct({
          columns: Schema.Array(Schema.String),
          rows: Schema.Array(Schema.Array(Schema.String)),
        }),
      ),
    }),
  ),
  /** What a person must answer, by the field's name and why the record cannot. */
  forPerson: Schema.Array(Schema.Struct({ field: Schema.String, why: Schema.String })),
}).annotate({ title: "ModelCard" });
/** See {@link ModelCard}. */
export type ModelCard = typeof ModelCard.Type;

/**
 * The model card of a run, from its record and the holdout ledger.
 *
 * @example
 * ```ts
 * import type { Run } from "@ml-pipe/core";
 * import { ModelCard } from "@ml-pipe/evaluate";
 *
 * const open = (run: Run.Run) => ModelCard.of(run, []).forPerson.map(({ field }) => field);
 * ```
 */
export const of = (run: Run.Run, looks: ReadonlyArray<Holdout.Look>): ModelCard => {
  const known = knownOf(run, looks);
  return {
    run: run.id,
    pipeline: run.pipeline,
    startedAt: run.startedAt,
    huggingFace: hubOf(known),
    modelCardToolkit: toolkitOf(known),
    sections: sectionsOf(known),
    forPerson: leftOf(known),
  };
};
