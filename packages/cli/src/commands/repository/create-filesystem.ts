import { defineCommand } from "../../parser/command.ts";
import { connectFlags } from "./connect-flags.ts";
import { createFlags } from "./create-flags.ts";
import { createInStorage } from "./create-in-storage.ts";
import { filesystemFlags, filesystemStorage } from "./filesystem-flags.ts";

/** Clients of that format may not know the file that tells the layout (spec 1 §1.1). */
const FORMAT_1_SHARDS = [3, 3];

/** `repository create filesystem`. */
export const command = defineCommand({
  flags: { ...createFlags, ...connectFlags, ...filesystemFlags },
  arguments: {},
  async run(context, { flags }) {
    const shards = flags.formatVersion === 1 ? FORMAT_1_SHARDS : null;
    await createInStorage(context, { storage: filesystemStorage(flags, shards) }, flags);
  },
});
