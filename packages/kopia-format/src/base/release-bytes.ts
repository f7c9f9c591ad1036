/** Smaller memory is left to the garbage collector: it comes from pools, and giving it back one by one costs more. */
const MIN_RELEASED_BYTES = 2 ** 18;

/**
 * Gives the memory of bytes back at once. Until the garbage collector notices that nobody needs them,
 * buffers of whole contents pile up by the dozen; their number, not their use, is then the peak of
 * the process. Only for bytes that are the caller's alone: they, and whatever else shares their
 * memory, are empty afterwards.
 */
export function releaseBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer.byteLength < MIN_RELEASED_BYTES || !(buffer instanceof ArrayBuffer)) return;
  // Node before 22 and older browsers cannot.
  (buffer as Partial<ArrayBuffer>).transfer?.(0);
}
