import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sbomDocument } from "./sbom.ts";

/**
 * `node write-sbom.ts CHECKOUT PACKAGES`: prints the bill of materials of the image as CycloneDX JSON. PACKAGES is a
 * file of lines `name version architecture`, as `dpkg-query` prints them.
 */
const [checkout = ".", packages = ""] = process.argv.slice(2);
const lockfile = readFileSync(join(checkout, "pnpm-lock.yaml"), "utf8");
const { version } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as {
  readonly version: string;
};
const debian = packages === "" ? "" : readFileSync(packages, "utf8");
process.stdout.write(
  `${JSON.stringify(sbomDocument({ version, lockfile, debianPackages: debian }), undefined, 2)}\n`,
);
