import { defineCommand } from "../../parser/command.ts";
import { fromConfigFlags, readConnectionSource } from "./from-config-flags.ts";
import { syncFlags, syncToStorage } from "./sync-to-storage.ts";

/** `repository sync-to from-config`. */
export const command = defineCommand({
  flags: { ...syncFlags, ...fromConfigFlags },
  arguments: {},
  async run(context, { flags }) {
    const { storage } = await readConnectionSource(context, flags);
    await syncToStorage(context, storage, flags);
  },
});
