/** Approvals as they are recorded: every word that was given, for ever. */
import * as Effect from "effect/Effect";
import { Approval } from "../internal/approval.ts";
import { coder, type Database } from "./sqlite.ts";
import type { StoreError } from "./StoreError.ts";

/** How approvals are recorded and found. */
export interface ApprovalStore {
  readonly put: (approval: Approval) => Effect.Effect<void, StoreError>;
  /** Given at a gate of a pipeline, the newest first. */
  readonly at: (
    pipeline: string,
    gate: string,
  ) => Effect.Effect<ReadonlyArray<Approval>, StoreError>;
}

/** See {@link ApprovalStore}. */
export const approvalStore = Effect.fnUntraced(function* ({ db, attempt }: Database) {
  const sql = yield* attempt("open the record of approvals", () => {
    db.exec(`
      CREATE TABLE IF NOT EXISTS approval (
        id INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, gate TEXT NOT NULL, record TEXT NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS approval_by_gate ON approval (pipeline, gate)`);
    return {
      put: db.prepare("INSERT INTO approval (pipeline, gate, record) VALUES (?, ?, ?)"),
      at: db.prepare(
        "SELECT record FROM approval WHERE pipeline = ? AND gate = ? ORDER BY id DESC",
      ),
    };
  });
  const approval = coder(Approval);
  return {
    put: (given) =>
      attempt("record an approval", () => {
        sql.put.run(given.pipeline, given.gate, approval.write(given));
      }),
    at: (pipeline, gate) =>
      attempt("read approvals", () => sql.at.all(pipeline, gate).map(approval.read)),
  } satisfies ApprovalStore;
});
