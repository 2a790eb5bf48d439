/** What a requirements file pins, as far as it can be compared with what is installed. */

/** A line of the file. */
export interface Requirement {
  readonly package: string;
  /** Undefined where no single version is pinned. */
  readonly version: string | undefined;
  /** Only where a marker holds, which Python would have to say. */
  readonly conditional: boolean;
}

/**
 * The packages of a requirements file as pip reads it. Options, other files and addresses are left out:
 * nothing can be compared with them.
 * https://pip.pypa.io/en/stable/reference/requirements-file-format/
 */
export const requirementsOf = (text: string): ReadonlyArray<Requirement> =>
  text
    .replaceAll(/\\\r?\n/g, " ")
    .split(/\r?\n/)
    .flatMap((line) => {
      const [plain = ""] = line.replace(/(^|\s)#.*$/, "").split(/\s--/);
      const [wanted = "", marker] = plain.split(";");
      const found = /^([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)$/.exec(
        wanted.trim(),
      );
      const [, name, rest = ""] = found ?? [];
      if (name === undefined || /^[@:+]/.test(rest)) return [];
      const [, version] = /^={2,3}\s*([^\s,*]+)$/.exec(rest) ?? [];
      return [{ package: name, version, conditional: marker !== undefined }];
    });

/** A name of a package as indexes compare them (PEP 503). */
export const normalName = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, "-");

/** Whether a version is the pinned one: zeros at the end do not count, a local part only if pinned (PEP 440). */
export const isVersion = (found: string, pinned: string): boolean => {
  const public_ = pinned.includes("+") ? found : (found.split("+")[0] ?? found);
  return trimmed(public_) === trimmed(pinned);
};

const trimmed = (version: string): string =>
  version
    .toLowerCase()
    .replace(/^v/, "")
    .replace(/(?:\.0+)+(?=$|\+)/, "");
