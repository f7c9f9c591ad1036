import { writeFileSync } from "node:fs";
import { buildCliDocument } from "./cli-document.ts";

writeFileSync(new URL("../../../../docs/CLI.md", import.meta.url), await buildCliDocument());
