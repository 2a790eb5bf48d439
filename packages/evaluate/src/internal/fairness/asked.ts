/** What is asked about groups, of any kind of prediction. */
import type { BusinessCost } from "@ml-pipe/data";
import type {
  ClassFairnessOptions,
  ComparedOf,
  FairnessOptions,
  GroupOptions,
  NumberFairnessOptions,
  RateOptions,
} from "../../Fairness.ts";

/** What is compared between which groups. */
export interface Asked {
  readonly by: ReadonlyArray<string>;
  readonly minRows: number;
  readonly compared: ReadonlyArray<{ readonly of: ComparedOf; readonly limit: number }>;
  /** Which of two decisions the four-fifths rule is about; null: it is not asked for. */
  readonly fourFifths: "act" | "not act" | null;
  /** Of classes: the places of the choices and of the classes that are favourable. */
  readonly favourable: {
    readonly choices: ReadonlyArray<number>;
    readonly classes: ReadonlyArray<number>;
  } | null;
}

/** Of decisions. Throws a `TypeError` for options that say nothing, as the others do. */
export const ofDecisions = (options: FairnessOptions): Asked =>
  checked({
    ...groups(options),
    compared: [...ratesOf(options), ...costOf(options)],
    fourFifths: options.fourFifths?.favourable ?? null,
    favourable: null,
  });

/** Of numbers. */
export const ofNumbers = (options: NumberFairnessOptions): Asked => {
  const { maxBiasDifference: limit } = options;
  return checked({
    ...groups(options),
    compared: [
      ...costOf(options),
      ...(limit === undefined ? [] : [{ of: "bias" as const, limit }]),
    ],
    fourFifths: null,
    favourable: null,
  });
};

/** Of choices among classes. */
export const ofClasses = (
  options: ClassFairnessOptions,
  { labels, choices }: BusinessCost.BusinessCost["classes"],
): Asked => {
  const { favourable } = options;
  const unknown = favourable?.choices.filter((one) => !choices.includes(one)) ?? [];
  if (unknown.length > 0) {
    throw new TypeError(
      `fairness: ${unknown.map((one) => `"${one}"`).join(", ")} cannot be chosen; favourable are some of ${choices.join(", ")}`,
    );
  }
  if (favourable?.choices.length === 0) {
    throw new TypeError("fairness: favourable names no choice");
  }
  return checked({
    ...groups(options),
    compared: [...(favourable === undefined ? [] : ratesOf(favourable)), ...costOf(options)],
    fourFifths: favourable?.fourFifths === true ? "act" : null,
    favourable:
      favourable === undefined
        ? null
        : {
            choices: favourable.choices.map((one) => choices.indexOf(one)),
            classes: favourable.choices.flatMap((one) =>
              labels.includes(one) ? [labels.indexOf(one)] : [],
            ),
          },
  });
};

const groups = ({ by, minRows = 100 }: GroupOptions) => ({ by, minRows });

const ratesOf = ({
  maxDifference: limit = 0.1,
  rates = ["selection", "truePositive", "falsePositive"],
}: RateOptions): Asked["compared"] => rates.map((of) => ({ of, limit }));

const costOf = ({ maxCostDifference: limit }: GroupOptions): Asked["compared"] =>
  limit === undefined ? [] : [{ of: "cost", limit }];

const checked = (asked: Asked): Asked => {
  const { by, minRows, compared } = asked;
  const problems = [
    ...(by.length > 0 ? [] : ["by names no column"]),
    ...new Set(
      compared.flatMap(({ of, limit }) => {
        if (of === "cost" || of === "bias") {
          const name = of === "cost" ? "maxCostDifference" : "maxBiasDifference";
          return limit > 0 && Number.isFinite(limit)
            ? []
            : [`${name} is ${limit}, give a difference above 0`];
        }
        return limit > 0 && limit < 1
          ? []
          : [`maxDifference is ${limit}, give a difference of rates between 0 and 1`];
      }),
    ),
    ...(Number.isInteger(minRows) && minRows >= 1 ? [] : [`minRows is ${minRows}, give 1 or more`]),
    ...(compared.length > 0 ? [] : ["nothing is compared, give maxCostDifference or rates"]),
  ];
  if (problems.length > 0) throw new TypeError(`fairness: ${problems.join("; ")}`);
  return asked;
};
