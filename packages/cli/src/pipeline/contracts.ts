/** What can be wrong with the contracts and the charter of a pipeline, before any row is read. */
import { Charter, Contract, Digest, type Pipeline } from "@ml-pipe/ml-pipe";
import type { Problem } from "../view/problem.ts";

/** Contracts that contradict one another or themselves. */
export const contractProblems = (pipeline: Pipeline.Pipeline): ReadonlyArray<Problem> => {
  const seen = new Map<string, { readonly digest: string; readonly stage: string }>();
  const problems: Array<Problem> = [];
  for (const { info, calledAt } of pipeline.nodes) {
    const place =
      calledAt === undefined
        ? {}
        : { file: calledAt.file, line: calledAt.line, column: calledAt.column };
    const about = { ...place, stage: info.name, tag: "ContractInvalid" };
    const outputs =
      "single" in info.output ? [info.output.single] : Object.values(info.output.ports);
    for (const schema of [...Object.values(info.inputs), ...outputs]) {
      const contract = Contract.contractOf(schema);
      if (contract === undefined) continue;
      const digest = Digest.ofJson(contract);
      const first = seen.get(contract.name);
      if (first?.digest === digest) continue;
      seen.set(contract.name, { digest, stage: info.name });
      if (first !== undefined) {
        problems.push({
          ...about,
          message: `it uses another contract "${contract.name}" than the stage "${first.stage}": same name, different promises. Use one contract for both, or give one of them another name`,
        });
        continue;
      }
      for (const problem of Contract.problemsOf(contract)) {
        problems.push({ ...about, message: `the contract "${contract.name}": ${problem}` });
      }
    }
  }
  return problems;
};

/** What to tell about the charter: it may run out. */
export const charterWarnings = (pipeline: Pipeline.Pipeline, now: Date): ReadonlyArray<string> => {
  const { charter } = pipeline;
  const on = charter.spec.kill.on.toISOString().slice(0, 10);
  return Charter.isExpired(charter, now)
    ? [
        `the charter "${charter.spec.title}" ended on ${on} (${charter.spec.kill.criterion}): nothing is deployed until ${charter.spec.owner} renews it`,
      ]
    : [];
};
