import { defineCommand } from "../../parser/command.ts";
import { connectFlags } from "./connect-flags.ts";
import { connectToStorage } from "./connect-to-storage.ts";
import { filesystemFlags, filesystemStorage } from "./filesystem-flags.ts";

/** `repository connect filesystem`. */
export const command = defineCommand({
  flags: { ...connectFlags, ...filesystemFlags },
  arguments: {},
  async run(context, { flags }) {
    await connectToStorage(context, { storage: filesystemStorage(flags) }, flags);
  },
});
