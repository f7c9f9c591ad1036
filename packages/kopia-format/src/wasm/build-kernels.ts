import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Development only: `node packages/kopia-format/src/wasm/build-kernels.ts [--check]` compiles each
// kernel and writes (or compares) its base64 module. The compiler is fetched in this exact version.
const COMPILER = "assemblyscript@0.28.20";
const COMPILER_OPTIONS = [
  "-O3",
  "--noAssert",
  "--runtime",
  "stub",
  "--enable",
  "simd",
  "--enable",
  "relaxed-simd",
];
/** Kernels with the pages of 64 KiB that they start with; more are for the loader to ask for. */
const KERNELS = {
  "splitter-kernel": 1,
  "s2-kernel": 3,
  "scrypt-kernel": 1,
  "content-key-kernel": 1,
  "ecc-kernel": 1,
  "blake2b-kernel": 9,
};
const LINE_LENGTH = 96;

let differences = 0;
for (const [name, pages] of Object.entries(KERNELS)) {
  const sourcePath = join(import.meta.dirname, `${name}.as`);
  const modulePath = join(import.meta.dirname, `${name}.wasm.ts`);
  const text = moduleText(name, readFileSync(sourcePath), compile(sourcePath, pages));
  if (!process.argv.includes("--check")) writeFileSync(modulePath, text);
  else if (readFileSync(modulePath, "utf8") !== text) {
    console.error(`${name}.wasm.ts does not match ${name}.as: run build-kernels.ts`);
    differences++;
  }
}
process.exitCode = differences === 0 ? 0 : 1;

function compile(sourcePath: string, pages: number): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "kernel-"));
  try {
    // The compiler takes nothing but `.ts`; the sources are named otherwise, as they are no TypeScript.
    copyFileSync(sourcePath, join(directory, "kernel.ts"));
    const compiler = ["-y", "-p", COMPILER, "asc", "kernel.ts", "-o", "kernel.wasm"];
    const options = [...COMPILER_OPTIONS, "--initialMemory", String(pages)];
    execFileSync("npx", [...compiler, ...options], { cwd: directory, stdio: "inherit" });
    return readFileSync(join(directory, "kernel.wasm"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function moduleText(name: string, source: Buffer, wasm: Buffer): string {
  const lines = wasm.toString("base64").match(new RegExp(`.{1,${LINE_LENGTH}}`, "g")) ?? [];
  return [
    `// Generated from ${name}.as by build-kernels.ts with ${COMPILER}. Do not edit.`,
    "",
    "/** SHA-256 of the source this module was compiled from. */",
    `export const SOURCE_SHA256 = "${createHash("sha256").update(source).digest("hex")}";`,
    "",
    "/** The compiled module. */",
    "export const WASM_BASE64 =",
    ...lines.map((line, i) => `  "${line}"${i === lines.length - 1 ? ";" : " +"}`),
    "",
  ].join("\n");
}
