/** Facts of a run in a few words. */
import type { Approval, Run } from "@ml-pipe/core";
import { count, duration } from "./text.ts";

/** What caused a run; nothing if a person began it. */
export const causeText = ({ causedBy }: Pick<Run.RunSummary, "causedBy">): string => {
  if (causedBy === undefined) return "";
  return "signal" in causedBy
    ? `caused by ${causedBy.signal} of run ${causedBy.run}`
    : `caused by ${causedBy.trigger}: ${causedBy.occurrence}`;
};

/** Which attempt comes after one that failed, when and why: `attempt 2 in 4.0 s: HttpError`. */
export const retryText = (
  attempt: Run.Attempt,
  { number, now }: { readonly number: number; readonly now: Date },
): string => {
  const leftMs = attempt.at.getTime() + attempt.delayMs - now.getTime();
  const when = leftMs > 0 ? ` in ${duration(leftMs)}:` : " after";
  return `attempt ${number}${when} ${attempt.failure.tag}`;
};

/** `made at the 3rd attempt`; nothing if it was the first. */
export const attemptsText = (attempts: ReadonlyArray<Run.Attempt> = []): string =>
  attempts.length === 0 ? "" : `attempt ${attempts.length + 1}`;

/** That an output is not what it would be had nobody interrupted. */
export const stoppedText = ({ stoppedEarly }: { readonly stoppedEarly?: boolean }): string =>
  stoppedEarly === true ? "stopped early" : "";

/** `413 of 1,000 items, 30 cached, 2 failed`. */
export const itemsText = ({ total, succeeded, cached, failed }: Run.ItemCounts): string =>
  [
    `${count(succeeded + cached + failed)} of ${count(total)} items`,
    cached > 0 ? `${count(cached)} cached` : "",
    failed > 0 ? `${count(failed)} failed` : "",
  ]
    .filter((part) => part !== "")
    .join(", ");

/** The question of a stage that waits for a person, and whom it is put to. */
export const askedText = ({ question, approvers }: NonNullable<Run.StageRun["asks"]>): string =>
  `${question} (${approvers.join(" or ")})`;

/** `ana approved sign-off`. */
export const wordText = ({
  approver,
  decision,
  gate,
}: Pick<Approval.Approval, "approver" | "decision" | "gate">): string =>
  `${approver} ${decision === "approve" ? "approved" : "rejected"} ${gate}`;
