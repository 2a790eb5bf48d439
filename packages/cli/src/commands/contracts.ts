/** `ml-pipe contracts …`: what hand-overs promise, what changed, and who has agreed. */
import * as path from "node:path";
import { Contract, ContractLock, Ddl, Odcs } from "@ml-pipe/ml-pipe";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type Loaded, loadContracts, oneOf } from "../contracts/loadContracts.ts";
import { lockFileOf, readLock, writeLock } from "../contracts/lockFile.ts";
import { readersOf } from "../contracts/readers.ts";
import * as ExitCode from "../ExitCode.ts";
import { startedBy } from "../pipeline/startedBy.ts";
import { stateFlag } from "../StateFolder.ts";
import { listText, reviewText } from "../view/contracts.ts";
import { pretty } from "../view/json.ts";
import { plural, shortPath } from "../view/text.ts";
import { problemJson, tellProblems } from "./check.ts";
import type { NotValid } from "./prepare.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

export { draft, read } from "./draftContract.ts";

interface Options {
  readonly file: string;
  readonly json: boolean;
}

/** What `check`, `diff` and `lock` were asked for. */
export interface ReviewOptions extends Options {
  readonly stateFolder: string;
  /** Releases that serve beside the newest of each name. */
  readonly serving: ReadonlyArray<string>;
}

/** Runs a command on the contracts of a file; the result is its exit code. */
const onFile = (
  options: Options,
  context: CommandContext,
  body: (loaded: Loaded) => Effect.Effect<number, unknown>,
): Promise<number> =>
  runCommand(
    context,
    Effect.matchEffect(loadContracts(options.file), {
      onSuccess: body,
      onFailure: ({ problems }: NotValid) =>
        Effect.sync(() => {
          if (options.json) {
            context.terminal.out(
              pretty({ file: options.file, valid: false, problems: problems.map(problemJson) }),
            );
          }
          tellProblems(problems, options.file, context);
          return ExitCode.invalid;
        }),
    }),
  );

/** The contracts of a file as they stand to its lock. */
const held = Effect.fnUntraced(function* (loaded: Loaded, options: ReviewOptions) {
  const file = lockFileOf(options.file);
  const lock = yield* readLock(file);
  const { readers, from } = yield* readersOf(options.stateFolder, options.serving, lock);
  const current: ContractLock.Current = {
    usedBy: loaded.pipeline ?? fromLock(file, options.file),
    contracts: loaded.specs,
    readers,
  };
  return { file, lock, from, current, reviews: ContractLock.review(lock, current) };
});

/** A file as all who share its lock name it. */
const fromLock = (lock: string, file: string): string =>
  path.relative(path.dirname(lock), path.resolve(file)).replaceAll(path.sep, "/");

type Held = Effect.Success<ReturnType<typeof held>>;

const encodeReviews = Schema.encodeSync(Schema.Array(ContractLock.Review));

const isOpen = (review: ContractLock.Review): boolean =>
  review.status !== "locked" || !ContractLock.isSettled(review);

const tellHeld = (
  { file, from, current, reviews }: Held,
  shown: ReadonlyArray<ContractLock.Review>,
  options: ReviewOptions,
  { terminal: { out, style } }: CommandContext,
): void => {
  const open = reviews.filter(isOpen);
  if (options.json) {
    out(
      pretty({
        file: options.file,
        lock: file,
        agreed: open.length === 0,
        reviews: encodeReviews(shown),
        readers: current.readers.map(({ release }) => release),
        readersFrom: from,
      }),
    );
    return;
  }
  const acknowledge = (contract: string, team: string) =>
    `ml-pipe contracts acknowledge ${shortPath(options.file)} ${contract} --team ${team} --reason "…"`;
  for (const line of shown.flatMap((review) => reviewText(review, style, acknowledge))) out(line);
  const releases = plural(current.readers.length, "release");
  const where =
    from === "registry"
      ? `that ${current.readers.length === 1 ? "serves" : "serve"}`
      : "that the lock remembers";
  out(style.dim(`held against ${shortPath(file)} and ${releases} ${where}`));
};

/** `check`: is everything as it was agreed on? */
export const check = (options: ReviewOptions, context: CommandContext): Promise<number> =>
  onFile(options, context, (loaded) =>
    Effect.map(held(loaded, options), (found) => {
      tellHeld(found, found.reviews, options, context);
      const open = found.reviews.filter(isOpen);
      if (open.length === 0) return ExitCode.succeeded;
      const { err, errStyle } = context.terminal;
      const settled = open.every(ContractLock.isSettled);
      const next = settled
        ? `Lock what changed with: ml-pipe contracts lock ${shortPath(options.file)}${stateFlag(options.stateFolder)}`
        : "Those who are named must agree first, or the change must go";
      err(errStyle.bold(`${plural(open.length, "contract")} not as agreed on. ${next}`));
      return ExitCode.stopped;
    }),
  );

/** `diff`: what changed since the lock. */
export const diff = (options: ReviewOptions, context: CommandContext): Promise<number> =>
  onFile(options, context, (loaded) =>
    Effect.map(held(loaded, options), (found) => {
      const changed = found.reviews.filter(isOpen);
      tellHeld(found, changed, options, context);
      return ExitCode.succeeded;
    }),
  );

/** `lock`: writes down what is agreed on. */
export const lock = (options: ReviewOptions, context: CommandContext): Promise<number> =>
  onFile(options, context, (loaded) =>
    Effect.gen(function* () {
      const found = yield* held(loaded, options);
      const { out, err, style, errStyle } = context.terminal;
      const open = found.reviews.filter((review) => !ContractLock.isSettled(review));
      if (open.length > 0) {
        tellHeld(found, open, options, context);
        err(errStyle.bold("nothing was locked: those who are named must agree first"));
        return ExitCode.stopped;
      }
      const updated = yield* Effect.fromResult(ContractLock.update(found.lock, found.current));
      yield* writeLock(found.file, updated);
      if (options.json) {
        out(pretty({ lock: found.file, contracts: loaded.specs.map(({ name }) => name) }));
      } else {
        const contracts = plural(loaded.specs.length, "contract");
        out(`${style.green("✓")} ${contracts} locked in ${style.bold(shortPath(found.file))}`);
        out(style.dim("commit it: it is what ml-pipe contracts check holds changes against"));
      }
      return ExitCode.succeeded;
    }),
  );

/** What `acknowledge` was asked for. */
export interface AcknowledgeOptions extends ReviewOptions {
  readonly contract: string;
  readonly team: string;
  readonly as: string | undefined;
  readonly reason: string;
}

/** `acknowledge`: a team's word on what changed. */
export const acknowledge = (
  options: AcknowledgeOptions,
  context: CommandContext,
): Promise<number> =>
  onFile(options, context, (loaded) =>
    Effect.gen(function* () {
      const { team, reason } = options;
      const found = yield* held(loaded, options);
      const review = found.reviews.find(({ contract }) => contract === options.contract);
      if (review === undefined) {
        yield* oneOf(loaded, options.contract);
        return ExitCode.invalid;
      }
      const at = new Date(yield* Clock.currentTimeMillis).toISOString();
      const by = startedBy(options.as, options.file);
      const word = { team, by, at, reason };
      const updated = yield* Effect.fromResult(ContractLock.acknowledge(found.lock, review, word));
      yield* writeLock(found.file, updated);
      const after = ContractLock.review(updated, found.current).find(
        ({ contract }) => contract === options.contract,
      );
      const missing = [...new Set(after?.questions.flatMap(({ missing }) => missing))];
      const { out, style } = context.terminal;
      if (options.json) out(pretty({ lock: found.file, ...word, missing }));
      else {
        out(`${style.green("✓")} ${team} agrees on ${style.bold(options.contract)}, says ${by}`);
        out(
          style.dim(
            missing.length > 0
              ? `still waits for ${missing.join(", ")}`
              : `all have agreed: ml-pipe contracts lock ${shortPath(options.file)}`,
          ),
        );
      }
      return ExitCode.succeeded;
    }),
  );

/** What `show` was asked for. */
export interface ShowOptions extends Options {
  readonly contract: string | undefined;
}

/** `show`: the contracts of a file, or the page of one. */
export const show = (options: ShowOptions, context: CommandContext): Promise<number> =>
  onFile(options, context, (loaded) =>
    Effect.gen(function* () {
      const { out, style } = context.terminal;
      if (options.contract === undefined) {
        if (options.json) out(pretty(loaded.specs));
        else for (const line of listText(loaded.specs, style)) out(line);
        return ExitCode.succeeded;
      }
      const spec = yield* oneOf(loaded, options.contract);
      out(options.json ? pretty(spec) : Contract.toMarkdown(spec).trimEnd());
      return ExitCode.succeeded;
    }),
  );

/** The forms in which a contract is written for others. */
export type Format = "odcs" | "json-schema" | "ddl" | "markdown";

/** What `export` was asked for. */
export interface ExportOptions {
  readonly file: string;
  readonly contract: string | undefined;
  readonly format: Format;
}

/** `export`: a contract for other tools, on standard output. */
export const write = (options: ExportOptions, context: CommandContext): Promise<number> =>
  onFile({ ...options, json: false }, context, (loaded) =>
    Effect.gen(function* () {
      const spec = yield* oneOf(loaded, options.contract);
      context.terminal.out((yield* textOf(spec, options.format)).trimEnd());
      return ExitCode.succeeded;
    }),
  );

const textOf = (spec: Contract.ContractSpec, format: Format): Effect.Effect<string> => {
  switch (format) {
    case "odcs":
      return Effect.map(
        Effect.promise(() => import("yaml")),
        ({ stringify }) => stringify(Odcs.toDocument(spec)),
      );
    case "json-schema":
      return Effect.succeed(pretty(Contract.toJsonSchema(spec)));
    case "ddl":
      return Effect.succeed(Ddl.createTable(spec));
    case "markdown":
      return Effect.succeed(Contract.toMarkdown(spec));
  }
};
