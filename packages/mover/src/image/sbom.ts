/** What an image is made of. */
export interface SbomInput {
  /** Of the product. */
  readonly version: string;
  /** Text of `pnpm-lock.yaml`. */
  readonly lockfile: string;
  /** Lines `name version architecture`. */
  readonly debianPackages: string;
}

interface Component {
  readonly type: "library" | "application";
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

/** npm packages whose code is in the bundle or that run it. */
const SHIPPED = [
  "@noble/ciphers",
  "@noble/hashes",
  "fzstd",
  "hash-wasm",
  "node",
  "pako",
  "zstd-codec",
];

/** The bill of materials as a CycloneDX 1.5 document, without times, so that equal images have equal ones. */
export function sbomDocument({ version, lockfile, debianPackages }: SbomInput): object {
  const npm = SHIPPED.flatMap((name) =>
    lockedVersions(lockfile, name).map((found) => npmComponent(name, found)),
  );
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: { type: "application", name: "kopia-engine-mover", version },
    },
    components: [...npm, ...debianComponents(debianPackages)],
  };
}

function lockedVersions(lockfile: string, name: string): string[] {
  const pattern = new RegExp(`^  '?${name.replaceAll("/", String.raw`\/`)}@(\\d[^':(]*)'?:$`, "gm");
  return [...new Set([...lockfile.matchAll(pattern)].map((match) => match[1] ?? ""))];
}

function npmComponent(name: string, version: string): Component {
  const type = name === "node" ? "application" : "library";
  return { type, name, version, purl: `pkg:npm/${name.replace("@", "%40")}@${version}` };
}

function debianComponents(text: string): Component[] {
  return text
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([name = "", version, architecture]) =>
      version === undefined
        ? []
        : [
            {
              type: "library" as const,
              name,
              version,
              purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture ?? "all"}`,
            },
          ],
    );
}
