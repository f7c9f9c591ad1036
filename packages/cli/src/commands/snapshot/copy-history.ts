import { historyCommand } from "./transfer-history.ts";

/** `snapshot copy-history`. */
export const command = historyCommand({ move: false });
