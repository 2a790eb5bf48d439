/** What an ingest hands on: rows under a contract, and the records that are none. */
import { Column, Contract } from "@ml-pipe/core";
import type { Table } from "@ml-pipe/data";

/**
 * The contract of records that could not be read: the file, the line or row number from 1, the record
 * as it was delivered, and all reasons as a JSON array of text.
 */
export const Rejected = Contract.make("rejected-record", {
  version: "1.0.0",
  owner: "ml-pipe",
  description: "records of a source that are no rows of its contract, and why",
  columns: {
    file: Column.string({ description: "the file, URL or table that it came from" }),
    line: Column.int({ description: "line, or row number, from 1" }),
    raw: Column.string({ description: "the record as it was delivered" }),
    reasons: Column.string({ description: "all reasons, as a JSON array of text" }),
  },
});

/** What an ingest hands on. */
export interface Ingested<C extends Contract.Contract> {
  /** The rows in the types of the contract, in the order of the source. */
  readonly table: Table.Table<C, "raw">;
  /** The records that are no rows of the contract: see {@link Rejected}. */
  readonly quarantine: Table.Table<typeof Rejected, "raw">;
}
