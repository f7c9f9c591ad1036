// The package has no types; projects that compile this file alone must find ours as well.
// oxlint-disable-next-line typescript/triple-slash-reference -- there is no module to import
/// <reference path="./zstd-codec.d.ts" />
import { usePortableZstdEncoder } from "./portable-zstd.ts";

let loading: Promise<void> | undefined;

/**
 * Loads the encoder of the portable zstd compressors (740 kB, asynchronous): await it once before `compress` of a portable zstd
 * compressor. Unpacking needs nothing of it, so that whoever only reads never bundles it.
 */
export function loadPortableZstdEncoder(): Promise<void> {
  return (loading ??= load());
}

async function load(): Promise<void> {
  const { ZstdCodec } = (await import("zstd-codec")).default;
  await new Promise<void>((resolve) => {
    ZstdCodec.run((binding) => {
      const simple = new binding.Simple();
      usePortableZstdEncoder((data, level) => simple.compress(data, level));
      resolve();
    });
  });
}
