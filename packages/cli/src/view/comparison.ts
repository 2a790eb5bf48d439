/** Which of two models decides more cheaply, as lines of text. */
import { type ModelComparison, Words } from "@ml-pipe/ml-pipe";
import * as Result from "effect/Result";

const { counted, number, percent } = Words;

/** The answer first, then what it rests on. */
export const comparisonLines = (
  compared: Result.Result<ModelComparison.ModelComparison, ModelComparison.NotCompared>,
): ReadonlyArray<string> => {
  if (Result.isFailure(compared)) {
    const { because, next } = compared.failure;
    return [`not compared: ${because}. ${next}`];
  }
  const { blocks, better, is, models, pairs, rows, saved, unit, was } = compared.success;
  const on =
    blocks.by === "row"
      ? ""
      : ` ${blocks.by === "day" ? "on" : "about"} ${counted(blocks.count, blocks.by)}`;
  const costs = `${number(was.cost)} → ${number(is.cost)} ${unit}, paired on the same ${counted(rows, "test row")}${on}`;
  const corrected =
    pairs === 1
      ? ""
      : `, corrected for all ${pairs} pairs of the ${models} models judged on these rows`;
  const ledger = `no new look at the test rows: both are in the holdout ledger${corrected}`;
  const kinds = `${was.kind ?? "a model of another run"} → ${is.kind ?? "a model of another run"}`;
  if (saved === null)
    return [`inconclusive: ${costs}, which do not say how much it varies`, kinds, ledger];
  const interval = (sign: 1 | -1) => {
    const [from, to] = sign === 1 ? [saved.lower, saved.upper] : [-saved.upper, -saved.lower];
    return `${number(sign * saved.estimate)} ${unit} (${percent(saved.level)} interval ${number(from)} to ${number(to)})`;
  };
  const answer = {
    later: `the later model is better: it saves ${interval(1)}`,
    earlier: `the earlier model is better: the later one costs ${interval(-1)} more`,
    inconclusive: `inconclusive: the later model saves ${interval(1)}; either could be better`,
  }[better];
  return [answer, costs, kinds, ledger];
};
