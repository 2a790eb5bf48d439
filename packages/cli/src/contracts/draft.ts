/**
 * A draft of a contract from what a file looks like. Every line has its evidence; what data cannot tell
 * (who owns it, what a value means, when it is known) is said so, for a person to decide.
 */
import { type Column, type Contract, Profile, Proposal } from "@ml-pipe/ml-pipe";
import { count, plural } from "../view/text.ts";
import type { Form, Key } from "./evidence.ts";
import type { Comments } from "./source.ts";

/** What was seen. */
export interface Seen {
  readonly file: string;
  readonly profile: Profile.Profile;
  readonly forms: ReadonlyMap<string, Form>;
  /** Columns that together identify a row; all that were found. */
  readonly keys: ReadonlyArray<Key>;
  /** Types that must be converted before ingest: `DECIMAL(10,2)`, by column. */
  readonly converted: ReadonlyMap<string, string>;
}

/** The draft, and the evidence for it. */
export const draftOf = (
  seen: Seen,
  about: { readonly name: string; readonly owner: string | undefined },
): { readonly spec: Contract.ContractSpec; readonly comments: Comments } => {
  const { profile, file, keys } = seen;
  const columns = Object.entries(profile.columns).map(([name, column]) => ({
    name,
    ...draftColumn(name, column, seen),
  }));
  const times = columns.filter(({ spec }) => spec.type === "timestamp" && !spec.nullable);
  const [eventTime, ...otherTimes] = times
    .toSorted((a, b) => Number(isLater(a.name)) - Number(isLater(b.name)))
    .map(({ name }) => name);
  const isTime = (name: string) => profile.columns[name]?.type === "timestamp";
  const rank = (key: Key) => Number(key.some(isId)) * 2 - Number(key.every(isTime));
  const [key, ...otherKeys] = keys.toSorted((a, b) => rank(b) - rank(a));
  const minRows = halfOf(profile.rows);
  const specs = new Map(columns.map(({ name, spec }) => [name, spec]));
  // The rest of what is proposed, the columns and the key say themselves.
  const proposals = Proposal.propose(profile).filter(
    ({ column, check: { kind } }) =>
      (kind === "null-share" && specs.get(column)?.nullable === true) ||
      (kind === "mean" && !isId(column)),
  );
  return {
    spec: {
      name: about.name,
      version: "0.1.0",
      owner: about.owner ?? "unnamed-team",
      consumers: [],
      columns: Object.fromEntries(columns.map(({ name, spec }) => [name, spec])),
      ...(eventTime === undefined ? {} : { eventTime }),
      ...(key === undefined ? {} : { key }),
      ...(minRows === undefined ? {} : { minRows }),
    },
    comments: {
      head: [
        `Drafted from ${file}, ${plural(profile.rows, "row")}. Comments say what was seen there.`,
        "Data do not say what a value means, which unit it has, and whether it is known when the",
        "decision is made: complete that, then delete the comments.",
        ...profile.unsupported.map(({ column, sqlType }) =>
          /\[\d*\]$|^STRUCT/.test(sqlType)
            ? `Left out: "${column}", ${sqlType}. Write it as Column.list, Column.struct or Column.embedding.`
            : `Left out: "${column}", ${sqlType}, which no contract has.`,
        ),
      ],
      columns: Object.fromEntries(columns.map(({ name, comments }) => [name, comments])),
      parts: {
        owner:
          about.owner === undefined ? ["the team that answers for the data: none was named"] : [],
        eventTime: [
          ...(eventTime === undefined
            ? ["no event time: no column has an instant in every row"]
            : []),
          ...(otherTimes.length === 0 ? [] : [`or one of ${otherTimes.join(", ")}`]),
        ],
        key: [
          key === undefined
            ? "no key: no column, and no pair of columns that was tried, differs in every row"
            : "no two rows have the same",
          ...(otherKeys.length === 0
            ? []
            : [`nor have they of ${otherKeys.map((other) => other.join(" with ")).join(", ")}`]),
        ],
        minRows:
          minRows === undefined
            ? []
            : [`half of the ${count(profile.rows)} rows seen, rounded down`],
        // Rows of one time are more alike than rows of all times, so that a person must widen limits.
        expectations:
          proposals.length === 0
            ? []
            : [
                "expectations that this file suggests; limits are those of independent rows:",
                ...proposals.map(({ code, because }) => `  ${code}, // ${because}`),
              ],
      },
    },
  };
};

/** One significant digit, rounded down. */
const halfOf = (rows: number): number | undefined => {
  if (rows < 2) return undefined;
  const half = rows / 2;
  const size = 10 ** Math.floor(Math.log10(half));
  return Math.floor(half / size) * size;
};

interface Drafted {
  readonly spec: Column.ColumnSpec;
  readonly comments: ReadonlyArray<string>;
}

const draftColumn = (name: string, column: Profile.ColumnProfile, seen: Seen): Drafted => {
  const form = seen.forms.get(name);
  const values = categoriesOf(column);
  const limits = limitsOf(name, column);
  const unit =
    column.number === undefined || isMinimum(name, seen.profile) ? undefined : unitOf(name);
  const personal = personalBecause(name, column, form);
  const outcome = isOutcome(name);
  const converted = seen.converted.get(name);
  const pattern = values === undefined ? form?.pattern : undefined;
  return {
    spec: {
      type: column.type,
      availableAt: outcome ? "outcome" : "decision",
      nullable: column.nulls > 0,
      ...(personal === undefined ? {} : { classification: "personal" }),
      ...(unit === undefined ? {} : { unit }),
      ...limits,
      ...(values === undefined ? {} : { values }),
      ...(pattern === undefined ? {} : { pattern }),
    },
    comments: [
      [...rangeWords(column), ...nullWords(column), ...distinctWords(column, seen)].join("; "),
      ...(form === undefined ? [] : [`every value is ${form.what}`.replace("is always", "is")]),
      ...(unit === undefined ? [] : [`its name says that it is in ${unit}`]),
      ...(limits.min === undefined ? [] : ["never negative, as a count or a measure would be"]),
      ...(values?.length === 2 && values.every((value) => /^(yes|no)$/i.test(value))
        ? [`as Column.boolean, read it with booleans: { true: ["yes"], false: ["no"] }`]
        : []),
      ...(column.type === "int" && column.number?.min === 0 && column.number.max === 1
        ? ["as Column.boolean, if it means yes or no"]
        : []),
      ...strangeWords(column),
      ...(outcome
        ? [
            "named like an outcome, so no feature may read it; if it is known at the decision, say so",
          ]
        : []),
      ...(personal === undefined ? [] : [`perhaps about a person: ${personal}`]),
      ...(converted === undefined
        ? []
        : [
            `stored as ${converted}: convert it to ${column.type === "float" ? "DOUBLE" : "VARCHAR"} before ingest`,
          ]),
    ],
  };
};

/** A set of few values, each of which was seen several times. */
const categoriesOf = ({ type, present, values }: Profile.ColumnProfile) => {
  if (type !== "string" || values === undefined || values === null) return undefined;
  if (values.length === 0 || values.length > 20 || values.length * 5 > present) return undefined;
  return values.map(({ value }) => String(value));
};

const limitsOf = (name: string, { number }: Profile.ColumnProfile): { readonly min?: number } =>
  number !== undefined && number.min !== null && number.min >= 0 && !isSigned(name)
    ? { min: 0 }
    : {};

const rangeWords = (column: Profile.ColumnProfile): ReadonlyArray<string> => {
  const { number, text, instant, trues, present } = column;
  if (present === 0) return ["no value at all"];
  if (number !== undefined && number.min !== null) {
    const mean = Profile.mean(column);
    return [
      `${number.min} to ${number.max}${mean === undefined ? "" : `, mean ${Number(mean.toPrecision(4))}`}`,
    ];
  }
  if (instant !== undefined && instant.min !== null && instant.max !== null) {
    return [`${instantText(instant.min)} to ${instantText(instant.max)}`];
  }
  if (trues !== undefined) return [`true in ${percent(trues / present)}`];
  return text === undefined || text.longest === null
    ? []
    : [`${text.shortest} to ${plural(text.longest, "character")}`];
};

const instantText = (millis: number): string =>
  new Date(millis).toISOString().replace(".000Z", "Z");

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

const nullWords = (column: Profile.ColumnProfile): ReadonlyArray<string> => {
  const share = Profile.nullShare(column);
  return column.nulls === 0 || share === undefined
    ? ["no nulls"]
    : [`null in ${plural(column.nulls, "row")} (${percent(share)})`];
};

const distinctWords = (column: Profile.ColumnProfile, { profile }: Seen): ReadonlyArray<string> => {
  const distinct = Profile.distinct(column);
  if (distinct === undefined || column.type === "boolean" || profile.rows === 0) return [];
  const about = distinct.exact ? "" : "about ";
  return [`${about}${plural(Math.round(distinct.count), "value")}`];
};

/** Yes or no, such as whether there is a telephone. */
const isFlag = (column: Profile.ColumnProfile): boolean =>
  column.type === "boolean" || (Profile.distinct(column)?.count ?? Infinity) <= 2;

/** What will not pass, or says nothing. */
const strangeWords = (column: Profile.ColumnProfile): ReadonlyArray<string> => {
  const { number, text, instant } = column;
  const infinite =
    (number?.plusInfinity ?? 0) + (number?.minusInfinity ?? 0) + (instant?.infinite ?? 0);
  const distinct = Profile.distinct(column);
  return [
    ...(number !== undefined && number.nan > 0
      ? [`NaN in ${plural(number.nan, "row")}, which is no value: such rows are set aside`]
      : []),
    ...(infinite > 0 ? [`infinite in ${plural(infinite, "row")}: such rows are set aside`] : []),
    ...(text !== undefined && text.empty > 0
      ? [`empty in ${plural(text.empty, "row")}: is that a value, or a null?`]
      : []),
    ...(distinct?.exact === true && distinct.count === 1 && column.present > 1
      ? ["the same in every row: it tells nothing"]
      : []),
  ];
};

const words = (name: string): ReadonlyArray<string> =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);

const outcomes = new Set(
  `outcome label target result y churn churned delay delayed late arrival arrived cancelled canceled
  default defaulted fraud converted conversion returned survived diagnosis recovered readmitted closed
  sold resigned left won lost clicked purchased approved rejected actual`.split(/\s+/),
);

const signed = new Set(
  `lat latitude lon lng longitude temp temperature balance profit change diff difference delta
  elevation altitude score offset`.split(/\s+/),
);
/** Whether a name is one of what may be below zero, though it has not been yet. */
const isSigned = (name: string): boolean => words(name).some((word) => signed.has(word));

const units = new Set(
  `ms s sec seconds min minutes h hours days mm cm m km mi miles ft g kg lb l ml eur usd gbp percent
  pct kwh mb gb`.split(/\s+/),
);
/** The unit that a name ends with: `Body Mass (g)`, `runningTimeMin`, `price_usd`. */
const unitOf = (name: string): string | undefined => {
  const [, bracketed] = /[([]([^)\]]{1,12})[)\]]\s*$/.exec(name) ?? [];
  if (bracketed !== undefined) return bracketed.trim();
  const all = words(name);
  const last = all.at(-1) ?? "";
  return all.length > 1 && units.has(last) ? last : undefined;
};

/** Whether `temp_min` stands beside `temp_max`, so that it is in no minutes. */
const isMinimum = (name: string, { columns }: Profile.Profile): boolean => {
  const all = words(name).join(" ");
  const maximum = all.replace(/min$/, "max");
  return maximum !== all && Object.keys(columns).some((one) => words(one).join(" ") === maximum);
};

/** Whether a name is one of what is known only afterwards. */
const isOutcome = (name: string): boolean => words(name).some((word) => outcomes.has(word));

/** Instants that come after the event. */
const isLater = (name: string): boolean =>
  isOutcome(name) ||
  words(name).some((word) =>
    /^(updated|modified|loaded|ingested|end|ended|closed|received|deleted)$/.test(word),
  );

const isId = (name: string): boolean =>
  words(name).some((word) => /^(id|key|uuid|guid|number|no|code)$/.test(word));

const persons =
  /(^|_| )(e ?mail|phone|mobile|first ?name|last ?name|full ?name|surname|street|address|birth|birthday|dob|ssn|passport|iban)( |_|$)/;
/** These say something of a person in two values already. */
const traits = /(^|_| )(sex|gender|ethnicity|religion|nationality)( |_|$)/;
const personalBecause = (
  name: string,
  column: Profile.ColumnProfile,
  form: Form | undefined,
): string | undefined => {
  const named = words(name).join(" ");
  if (traits.test(named) || (persons.test(named) && !isFlag(column))) return "its name";
  const what = form?.what ?? "";
  return ["an e-mail address", "an IP address", "a telephone number"].includes(what)
    ? `it is ${what}`
    : undefined;
};
