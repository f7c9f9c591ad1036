import { listColumns, type ListingColumns } from "./listed-directory.ts";
import { REQUEST_STATE, type ListReply, type ListRequest } from "./read-ahead.ts";

/** What a listing thread does with a request, whatever thread that is. */
export function answerListRequest(
  { slot, path }: ListRequest,
  states: Int32Array,
  post: (reply: ListReply, transfer: readonly ArrayBuffer[]) => void,
): void {
  const { waiting, taken, done, free } = REQUEST_STATE;
  if (Atomics.compareExchange(states, slot, waiting, taken) !== waiting) {
    // Withdrawn: the caller lists it itself.
    Atomics.store(states, slot, free);
    return;
  }
  let columns: ListingColumns | undefined;
  try {
    columns = listColumns(path);
  } catch {
    // The caller lists it again, and has the error to tell.
  }
  const transfer = columns === undefined ? [] : [columns.numbers.buffer, columns.devices.buffer];
  post({ slot, columns }, transfer);
  // After the reply, which is in the port by then.
  Atomics.store(states, slot, done);
  Atomics.notify(states, slot);
}
