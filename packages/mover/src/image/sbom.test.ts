import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sbomDocument } from "./sbom.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

test("every runtime dependency of the packages is in the bill of materials, with Node and Debian's packages", () => {
  const lockfile = readFileSync(`${ROOT}pnpm-lock.yaml`, "utf8");
  const document = sbomDocument({
    version: "1.2.3",
    lockfile,
    debianPackages: "libc6 2.36-9+deb12u10 amd64\nzlib1g 1:1.2.13 amd64\n",
  }) as { readonly components: readonly { readonly name: string; readonly purl: string }[] };
  const names = document.components.map(({ name }) => name);
  for (const room of ["kopia-format", "snapshotter", "cli", "mover"]) {
    const { dependencies = {} } = JSON.parse(
      readFileSync(`${ROOT}packages/${room}/package.json`, "utf8"),
    ) as { readonly dependencies?: Readonly<Record<string, string>> };
    for (const name of Object.keys(dependencies))
      if (!name.startsWith("@kopia-engine/")) expect(names).toContain(name);
  }
  expect(names).toContain("node");
  expect(document.components.find(({ name }) => name === "zlib1g")?.purl).toBe(
    "pkg:deb/debian/zlib1g@1%3A1.2.13?arch=amd64",
  );
});
