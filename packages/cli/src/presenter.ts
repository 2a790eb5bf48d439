/** What the command line says about itself: help, version, wrong usage. */
import * as CliOutput from "effect/cli/CliOutput";
import * as Effect from "effect/Effect";
import * as ExitCode from "./ExitCode.ts";
import type { Terminal } from "./Terminal.ts";
import { columns } from "./view/text.ts";
import { ansi } from "./view/Style.ts";

/** Help on standard output; what was wrong, in a line, on standard error. */
export const presenter = ({ out, err, style, errStyle }: Terminal): CliOutput.Presenter => {
  const formatter = CliOutput.defaultFormatter({ colors: style === ansi });
  return {
    present: (event) =>
      Effect.sync(() => {
        switch (event._tag) {
          case "Help":
            out(formatter.formatHelpDoc(event.helpDoc).trimEnd());
            if (["", "run", "check"].includes(event.commandPath.slice(1).join(" "))) {
              const codes = ExitCode.explained.map(([code, text]) => [`  ${code}`, text]);
              out(["", style.bold("EXIT CODES"), ...columns(codes, "   ")].join("\n"));
            }
            return;
          case "Version":
            return out(`${event.name} ${event.version}`);
          case "InvalidInvocation":
            for (const error of event.errors) {
              err(`${errStyle.red("ml-pipe")}: ${error.message.trim()}`);
            }
            err(`See: ${event.commandPath.join(" ")} --help`);
        }
      }),
  };
};
