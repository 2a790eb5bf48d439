/**
 * The Open Data Contract Standard, version 3.1: contracts as other tools write and read them. A document
 * of ODCS is plain JSON here; in files it is mostly YAML.
 *
 * What ODCS has no field for (when a value is known, units, what is predicted, groups) is in its custom
 * properties, so that a contract comes back from its own export with the same digest.
 */
export { type OdcsDocument, toDocument } from "./contract/odcs/toDocument.ts";
export {
  fromDocument,
  type FromOptions,
  type Imported,
  OdcsInvalid,
  Unmapped,
} from "./contract/odcs/fromDocument.ts";
