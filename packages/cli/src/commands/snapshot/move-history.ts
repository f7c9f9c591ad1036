import { historyCommand } from "./transfer-history.ts";

/** `snapshot move-history`. */
export const command = historyCommand({ move: true });
