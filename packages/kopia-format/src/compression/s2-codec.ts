import { loadS2Kernel } from "../wasm/s2-kernel.ts";
import { CRC32C_TABLES, crc32c } from "./crc32c.ts";
import { unpackS2Block } from "./s2-block.ts";
import { packS2Block, s2PackBound } from "./s2-pack.ts";

/** How single blocks are packed and unpacked. */
export interface S2BlockCodec {
  readonly provider: "portable" | "fast";
  /** The packed block, valid until the next call, and the CRC-32C of the block itself. */
  pack(block: Uint8Array): { readonly packed: Uint8Array; readonly crc: number };
  /**
   * Unpacks elements into exactly `output` and gives the CRC-32C of the result.
   *
   * @throws RangeError when they are corrupt.
   */
  unpack(elements: Uint8Array, output: Uint8Array): number;
  crc32c(bytes: Uint8Array): number;
}

/** The plain codec: what the compiled one must agree with, and its stand-in where there is none. */
export const portableS2Codec: S2BlockCodec = {
  provider: "portable",
  pack(block) {
    const packed = new Uint8Array(s2PackBound(block.length));
    return { packed: packed.subarray(0, packS2Block(block, packed)), crc: crc32c(block) };
  },
  unpack(elements, output) {
    unpackS2Block(elements, output);
    return crc32c(output);
  },
  crc32c,
};

/** The compiled codec; `undefined` where there is no WebAssembly. */
export function compiledS2Codec(): S2BlockCodec | undefined {
  const kernel = loadS2Kernel(CRC32C_TABLES);
  return (
    kernel && {
      provider: "fast",
      pack: (block) => kernel.packBlock(block, s2PackBound(block.length)),
      unpack(elements, output) {
        const crc = kernel.unpackBlock(elements, output);
        if (crc === undefined) throw new RangeError("corrupt block");
        return crc;
      },
      crc32c: (bytes) => kernel.crc32c(bytes),
    }
  );
}
