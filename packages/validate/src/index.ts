/** The stages that check a table and its labels, and set aside what fails. */
export * as Labels from "./Labels.ts";
export * as Validate from "./Validate.ts";
