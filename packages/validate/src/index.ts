/** The stages that check a table and its labels, and set aside what fails. */
export * as Anomalies from "./Anomalies.ts";
export * as Compare from "./Compare.ts";
export * as Labels from "./Labels.ts";
export * as Validate from "./Validate.ts";
