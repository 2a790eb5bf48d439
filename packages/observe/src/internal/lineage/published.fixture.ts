/** Holds events against the published schema of OpenLineage. */
import * as fs from "node:fs";
import * as path from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import * as formats from "ajv-formats";
import * as Schema from "effect/Schema";
import type { LineageEvent } from "./translate.ts";

const folder = path.join(import.meta.dirname, "../../../fixtures/openlineage");

const JsonSchema = Schema.fromJsonString(
  Schema.StructWithRest(Schema.Struct({ $id: Schema.String }), [
    Schema.Record(Schema.String, Schema.Unknown),
  ]),
);
const read = (file: string) =>
  Schema.decodeUnknownSync(JsonSchema)(fs.readFileSync(path.join(folder, file), "utf8"));

// Descriptions and examples are no rules.
const ajv = new Ajv2020({
  strictSchema: true,
  strictTypes: false,
  strictRequired: false,
  allErrors: true,
  keywords: ["example"],
});
formats.default.default(ajv);

const event = ajv.compile(read("OpenLineage.json"));
/** By `$id`. */
const facets = new Map<string, ValidateFunction>(
  fs.readdirSync(path.join(folder, "facets")).map((file) => {
    const schema = read(path.join("facets", file));
    return [schema.$id, ajv.compile(schema)];
  }),
);

const errorsOf = (validate: ValidateFunction, value: unknown): ReadonlyArray<string> =>
  validate(value)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);

/** What is wrong with an event: as a whole, and with each of its facets by the schema that it names. */
export const problemsOf = (made: LineageEvent): ReadonlyArray<string> => {
  // As it is sent.
  const json: unknown = JSON.parse(JSON.stringify(made));
  const groups = [
    made.run.facets,
    made.job.facets,
    ...made.inputs.flatMap(({ facets, inputFacets }) => [facets, inputFacets]),
    ...made.outputs.flatMap(({ facets, outputFacets }) => [facets, outputFacets]),
  ];
  return [
    ...errorsOf(event, json),
    ...groups.flatMap(Object.entries).flatMap(([name, facet]) => {
      const [id = "", pointer = ""] = String(facet._schemaURL).split("#");
      const validate = facets.get(id);
      if (validate === undefined) return [`${name}: no schema ${id}`];
      const known = validate.schema;
      const names =
        typeof known === "object" && "properties" in known ? Object.keys(known["properties"]) : [];
      if (!names.includes(name)) return [`${name}: ${id} is about ${names.join()}`];
      if (ajv.getSchema(`${id}#${pointer}`) === undefined)
        return [`${name}: ${pointer} is nothing`];
      return errorsOf(validate, { [name]: facet }).map((error) => `${name}: ${error}`);
    }),
  ];
};
