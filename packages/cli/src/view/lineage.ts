/** Lineage as a tree of lines. */
import { Lineage } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { bytesText, shortDigest } from "./bytes.ts";
import { pretty } from "./json.ts";
import type { Style } from "./Style.ts";
import { count, plural, shortPath } from "./text.ts";
import { stoppedText } from "./words.ts";

/** What `lineage --json` prints. */
export const LineageJson = Schema.Struct({
  up: Schema.optionalKey(Lineage.Lineage),
  down: Schema.optionalKey(Lineage.Lineage),
});
/** See {@link LineageJson}. */
export type LineageJson = typeof LineageJson.Type;

/** As one JSON document. */
export const lineageJson = (found: LineageJson): string =>
  pretty(Schema.encodeSync(LineageJson)(found));

/** More than these are only counted. */
const mostChildren = 20;
const mostRoots = 3;

type Place = Lineage.LineageUse["from"];

/** One line for each value on the way, indented by how far it is. */
export const lineageText = (lineage: Lineage.Lineage, style: Style): string => {
  const { direction, roots, values, stages, uses } = lineage;
  const valueOf = new Map(values.map((value) => [Lineage.nameOf(value), value]));
  const given = grouped(values, idOf);
  const stageOf = new Map(stages.map((stage) => [idOf(stage), stage]));
  const byTaker = grouped(uses, ({ by }) => idOf(by));
  const byGiver = grouped(uses, ({ from }) => Lineage.nameOf(from));
  const shown = new Set<string>();
  const lines: Array<string> = [];

  const files = (place: Place): string =>
    (valueOf.get(Lineage.nameOf(place))?.files ?? [])
      .map(({ digest, bytes, path }) =>
        [path === undefined ? "" : shortPath(path), shortDigest(digest), bytesText(bytes)]
          .filter((part) => part !== "")
          .join(" "),
      )
      .join(", ");
  const release = (place: Place): string => {
    const name = valueOf.get(Lineage.nameOf(place))?.release;
    return name === undefined ? "" : style.green(name);
  };
  const line = (prefix: string, ...parts: ReadonlyArray<string>) =>
    lines.push(`${style.dim(prefix)}${parts.filter((part) => part !== "").join("  ")}`.trimEnd());
  /** What is said of an execution beside its name: of its run only if that is another one. */
  const about = (place: Pick<Place, "run" | "stage">, run: string, again: boolean): string => {
    const stage = stageOf.get(idOf(place));
    const gone = stage !== undefined && stage.pipeline === undefined;
    const reused = stage?.reusedBy ?? 0;
    const notes = [
      place.run === run ? "" : `run ${place.run}`,
      gone ? "not recorded any more" : "",
      stage === undefined ? "" : stoppedText(stage),
      reused > 0 ? `reused by ${plural(reused, "run")}` : "",
      again ? "see above" : "",
    ];
    return style.dim(notes.filter((note) => note !== "").join(", "));
  };

  const children = (
    next: ReadonlyArray<Lineage.LineageUse>,
    prefix: string,
    one: (use: Lineage.LineageUse, head: string, below: string) => void,
  ) => {
    const visible = next.slice(0, mostChildren);
    const more = next.length - visible.length;
    for (const [index, use] of visible.entries()) {
      const last = index === visible.length - 1 && more === 0;
      one(use, `${prefix}${last ? "└ " : "├ "}`, `${prefix}${last ? "  " : "│ "}`);
    }
    if (more > 0) line(`${prefix}└ `, style.dim(`and ${count(more)} more: --json has them all`));
  };

  const up = (place: Place, prefix: string) => {
    const id = idOf(place);
    if (shown.has(id)) return;
    shown.add(id);
    children(byTaker.get(id) ?? [], prefix, ({ from, by }, head, below) => {
      const again = shown.has(idOf(from));
      line(
        head,
        `${by.port} ← ${style.bold(nameOf(from))}`,
        about(from, by.run, again),
        files(from),
      );
      up(from, below);
    });
  };
  const down = (place: Place, prefix: string) => {
    children(byGiver.get(Lineage.nameOf(place)) ?? [], prefix, ({ from, by }, head, below) => {
      const id = idOf(by);
      const again = shown.has(id);
      shown.add(id);
      const next = again ? [] : (given.get(id) ?? []);
      const made = next.map(release).filter((name) => name !== "");
      line(
        head,
        `→ ${style.bold(by.stage)} (${by.port})`,
        about(by, from.run, again),
        made.join(", "),
      );
      for (const value of next) down(value, below);
    });
  };

  for (const root of roots.slice(0, mostRoots)) {
    line("", style.bold(nameOf(root)), about(root, "", false), release(root), files(root));
    if (direction === "up") up(root, "  ");
    else down(root, "  ");
  }
  if (uses.length === 0) {
    line("  ", style.dim(direction === "up" ? "nothing before it" : "nothing has used it"));
  }
  const more = roots.length - mostRoots;
  if (more > 0) line("", style.dim(`and ${plural(more, "execution")} more gave it: see --json`));
  const reports = new Set(stages.flatMap(({ report }) => report ?? []));
  for (const report of [...reports].slice(0, mostRoots)) line("", style.dim(shortPath(report)));
  return lines.join("\n");
};

const idOf = ({ run, stage }: Pick<Place, "run" | "stage">): string => `${run}/${stage}`;

const nameOf = ({ stage, port }: Place): string => (port === "" ? stage : `${stage}.${port}`);

const grouped = <A>(
  list: ReadonlyArray<A>,
  key: (member: A) => string,
): ReadonlyMap<string, ReadonlyArray<A>> => {
  const found = new Map<string, Array<A>>();
  for (const member of list) {
    const group = found.get(key(member));
    if (group === undefined) found.set(key(member), [member]);
    else group.push(member);
  }
  return found;
};
