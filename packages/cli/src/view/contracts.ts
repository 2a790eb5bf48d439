/** How contracts stand to their lock, as text. */
import type { Contract, ContractLock } from "@ml-pipe/core";
import type { Style } from "./Style.ts";
import { columns, plural } from "./text.ts";

/** A contract that changed or is locked: a line, then each change and whose word is missing. */
export const reviewText = (
  review: ContractLock.Review,
  style: Style,
  /** What to type so that a team says yes. */
  acknowledge: (contract: string, team: string) => string,
): ReadonlyArray<string> => {
  const { contract, status, questions, version, owner } = review;
  const missing = questions.flatMap(({ missing }) => missing);
  const settled = version === undefined && missing.length === 0;
  const mark =
    status === "locked" && settled
      ? style.green("✓")
      : settled
        ? style.yellow("!")
        : style.red("✗");
  const words: { readonly [S in ContractLock.Review["status"]]: string } = {
    locked: "as it is locked",
    new: "is not in the lock",
    changed: questions.length === 0 ? "is not locked for this pipeline" : "changed",
    gone: "is no longer handed over",
  };
  return [
    `${mark} ${style.bold(contract)}  ${words[status]}  ${style.dim(`[${owner}]`)}`,
    ...questions.flatMap((question) => questionText(question, style)),
    ...(version === undefined ? [] : [`  ${style.red("version")}  ${version}`]),
    ...[...new Set(missing)].map(
      (team) => `  ${style.red(`waits for ${team}`)}  ${style.dim(acknowledge(contract, team))}`,
    ),
  ];
};

const questionText = (
  { about, changes, agreed }: ContractLock.Question,
  style: Style,
): ReadonlyArray<string> => [
  `  ${style.bold(about)}`,
  ...columns(changes.map((change) => [`    ${breaksText(change, style)}`, change.why])),
  ...agreed.map(({ team, by, at, reason }) =>
    style.green(`    ${team} agreed: ${by}, ${at.slice(0, 10)}, "${reason}"`),
  ),
];

const breaksText = ({ breaks }: Contract.Change, style: Style): string =>
  breaks.length === 0
    ? style.dim("compatible")
    : style.red(`breaks ${breaks.length === 2 ? "both" : breaks.join("")}`);

/** The contracts of a file, one a line. */
export const listText = (
  specs: ReadonlyArray<Contract.ContractSpec>,
  style: Style,
): ReadonlyArray<string> =>
  columns(
    specs.map((spec) => [
      style.bold(spec.name),
      spec.version,
      spec.owner,
      spec.consumers.length === 0 ? style.dim("no consumers") : spec.consumers.join(", "),
      plural(Object.keys(spec.columns).length, "column"),
    ]),
  );
