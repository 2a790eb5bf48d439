/** How a validation can end other than with a checked table. */
import { Finding, Stage } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { rowsOf, rowsText, shareText } from "./internal/words.ts";

/** The data breaks its contract by more than the policy allows; lists everything that was found. */
export class ContractBroken extends Schema.TaggedError<ContractBroken>()("ContractBroken", {
  contract: Schema.String,
  version: Schema.String,
  owner: Schema.String,
  /** The file that was checked. */
  source: Schema.String,
  rows: Schema.Int,
  /** Rows that fail at least one check. */
  failing: Schema.Int,
  /** Share of failing rows that the policy allows. */
  atMost: Schema.Finite,
  findings: Schema.Array(Finding.Finding),
  /** Parquet file with the failing rows and all their reasons, if single rows fail. */
  quarantine: Schema.NullOr(Schema.String),
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { contract, version, owner, source, rows, failing, atMost } = this;
    const idle = this.findings.filter(({ found }) => found.startsWith("could not run"));
    const told = this.findings.filter((one) => one.severity === "fail" || !idle.includes(one));
    const lines = told.map((finding) => {
      const rowNumbers = finding.sample?.map(String) ?? [];
      const more = (finding.rows ?? 0) > rowNumbers.length ? ", …" : "";
      const sample = rowNumbers.length === 0 ? "" : ` (row ${rowNumbers.join(", ")}${more})`;
      return `  ${finding.severity} ${finding.check}: expected ${finding.expected}, found ${finding.found}${sample}. ${finding.next}`;
    });
    const untold = idle.filter((one) => !told.includes(one)).map(({ check }) => check);
    if (untold.length > 0) lines.push(`  could not run: ${untold.join(", ")}`);
    const share =
      failing === 0
        ? []
        : failing === rows
          ? [`All ${rowsText(rows)} fail: no valid row is left.`]
          : [`${rowsOf(failing, rows)} fail; at most ${shareText(atMost, 1)} may.`];
    const next = [
      ...(this.quarantine === null
        ? []
        : [`The failing rows with their reasons are in ${this.quarantine}.`]),
      `Where the contract is wrong, change it together with ${owner}.`,
    ];
    return [
      `${source} breaks the contract "${contract}" ${version} of ${owner}:`,
      ...lines,
      ...share,
      next.join(" "),
    ].join("\n");
  }
}

/** A page of the file is damaged: the scan could not read it to its end. */
export class TableUnreadable extends Schema.TaggedError<TableUnreadable>()("TableUnreadable", {
  contract: Schema.String,
  owner: Schema.String,
  source: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `${this.source}, under the contract "${this.contract}", cannot be read to its end: ${this.problem}. Copy or download it again; if it stays so, ask ${this.owner} for a new export.`;
  }
}
