import { expect, test } from "vitest";
import { compressorByHeaderId } from "./registry.ts";

/** A frame whose Huffman weights are all one symbol, found by the fuzz target of the portable decoder. */
const ENDLESS =
  "KLUv/UQAhABlBgAyzy0h8GesABADMLCpwBqUt4hJrGmSztUOWpAiJHMYwpnZRRAGAOqRjiAhYfmvF+gEooK5HqFQO4xdhsOBi9fEnxK+6/KnwsAlPvOa+LMXWHDdXYnfCHB+wY9RMa9vC/XRUENGG8i+NlLSyXqIU8x4yK5yvgHSXI9YLW1jiqmAtfhQ3PagUgGhQoNOvJ4xw57fr4nXv/M78TjXs7Tp/I6O+WKAPxtKh+nrH9k4SUv42MFEo5wfXUtnfhEFAABJaIcZz4ENAMMENK1XRQEI4ZdG";

test.each(["fast", "portable"] as const)(
  "weights that never end are refused by the %s provider",
  (provider) => {
    const compressor = compressorByHeaderId(0x1101, provider);
    const stream = new Uint8Array(Buffer.from(ENDLESS, "base64"));
    expect(() => compressor?.decompress(stream, 1_000_000)).toThrow(
      expect.objectContaining({ code: "COMPRESSION_CORRUPT" }),
    );
  },
);
