/** The stage that checks a table and sets aside what fails. */
export * as Validate from "./Validate.ts";
