import { defineCommand } from "../../parser/command.ts";
import { filesystemFlags, filesystemStorage } from "./filesystem-flags.ts";
import { syncFlags, syncToStorage } from "./sync-to-storage.ts";

/** `repository sync-to filesystem`. */
export const command = defineCommand({
  flags: { ...syncFlags, ...filesystemFlags },
  arguments: {},
  async run(context, { flags }) {
    await syncToStorage(context, filesystemStorage(flags), flags);
  },
});
