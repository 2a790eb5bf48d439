/** A process that opens a release and predicts: `embedded.ts <folder> <request>`. Prints what it saw. */
import { openRelease } from "@ml-pipe/deploy/embed";

const [folder = "", request = "{}"] = process.argv.slice(2);
const model = await openRelease(folder, "trip-delay");
const result = model.predict(JSON.parse(request));
const report: { readonly sharedObjects?: ReadonlyArray<string> } = Object(
  process.report.getReport(),
);
process.stdout.write(
  JSON.stringify({
    result,
    native: report.sharedObjects?.filter((file) => file.endsWith(".node")),
  }),
);
