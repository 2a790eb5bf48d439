/** What the power of a test says to people: findings, and figures. */
import type { Exhibit, Finding } from "@ml-pipe/core";
import { Power, Words } from "@ml-pipe/data";
import * as Result from "effect/Result";
import type { PowerAnalysis } from "../../Power.ts";

const { counted, number, percent, whole } = Words;

/** An analysis that is inconclusive is a finding, one a reason. */
export const findingsOf = (found: PowerAnalysis, owner: string): ReadonlyArray<Finding.Finding> =>
  found.because.map((because) => ({
    check: "evaluate.power",
    severity: "warn",
    owner,
    expected: `tests that see a gain of ${number(found.smallestGain)} ${found.unit} with a probability of ${percent(found.power)}`,
    found: `inconclusive: ${because}`,
    rows: found.test.rows,
    next: `${needs(found)} Test on more, or let ${owner} decide whether a larger smallest gain is right.`,
  }));

const needs = ({ test, experiment, basis }: PowerAnalysis): string => {
  const { by } = basis.blocks;
  const offline = `The verdict needs between ${whole(Math.ceil(test.blocksNeeded.least))} and ${counted(Math.ceil(test.blocksNeeded.expected), by)} and has ${whole(test.blocks)}`;
  const { days, daysLeft } = experiment;
  const online =
    days === null
      ? "; say how many decisions a day brings: experiment.perDay"
      : `; the A/B test takes ${whole(Math.ceil(days.least))} to ${counted(Math.ceil(days.expected), "day")}, and ${whole(Math.floor(daysLeft))} are left`;
  return `${offline}${online}.`;
};

/** The figures: what the tests need, and how likely a model of a given gain passes. */
export const exhibitsOf = (found: PowerAnalysis): ReadonlyArray<Exhibit.Exhibit> => [
  {
    _tag: "table",
    title: "What a test needs",
    caption: `to tell a gain of ${number(found.smallestGain)} ${found.unit} from none with a probability of ${percent(found.power)}, at ${percent(found.level)} confidence; perfect foresight would gain ${number(found.basis.largestGain)}`,
    columns: ["what", "least noise", "expected noise", "there is"],
    rows: [
      row(`${found.basis.blocks.by}s of the test`, found.test.blocksNeeded, found.test.blocks),
      [
        `smallest gain told from none, ${found.unit}`,
        number(found.test.detectable.least),
        number(found.test.detectable.expected),
        number(found.smallestGain),
      ],
      row(`${found.experiment.unit}s in each arm of an A/B test`, found.experiment.perArm, null),
      ...(found.experiment.days === null
        ? []
        : [
            row(
              "days of the A/B test",
              found.experiment.days,
              Math.max(0, Math.floor(found.experiment.daysLeft)),
            ),
          ]),
    ],
  },
  ...chances(found),
];

const row = (
  what: string,
  { least, expected }: { readonly least: number; readonly expected: number },
  there: number | null,
): ReadonlyArray<string | null> => [
  what,
  whole(Math.ceil(least)),
  whole(Math.ceil(expected)),
  there === null ? null : whole(there),
];

/** How likely the verdict passes, by the model's true gain: 40 points up to four times what is needed. */
const chances = ({
  test,
  smallestGain,
  unit,
  level,
}: PowerAnalysis): ReadonlyArray<Exhibit.Exhibit> => {
  const { standardError, blocks, rows, gainToPass } = test;
  const reach = Math.min(gainToPass * 2, smallestGain * 20);
  const series = [
    { name: "expected noise", sd: standardError.expected * Math.sqrt(blocks), count: blocks },
    { name: "least noise", sd: standardError.least * Math.sqrt(rows), count: rows },
  ].flatMap(({ name, sd, count }) => {
    const points = Array.from({ length: 41 }, (_, step) => {
      const gain = (reach * step) / 40;
      const above = gain - smallestGain;
      if (above <= 0 || sd === 0 || count < 2) return [gain, above > 0 ? 1 : 0] as const;
      const chance = Power.ofMean({ difference: above, sd, count }, { level });
      return [gain, Result.getOrElse(chance, () => 0)] as const;
    });
    return [{ name, points }];
  });
  return [
    {
      _tag: "line",
      title: "Chance to pass, by the model's true gain",
      caption: `The whole interval must lie above ${number(smallestGain)} ${unit}, so a model needs about ${number(gainToPass)} to pass.`,
      x: { label: unit },
      y: { label: "probability" },
      series,
    },
  ];
};
