import {
  LZ4_COMPRESSOR_NAME,
  LZ4_HEADER_ID,
  compressorByName,
  type ClientOptions,
  type ObjectWriterOptions,
} from "@kopia-engine/kopia-format";
import { chooseCompressor, chooseMetadataCompressor } from "../policy/choose-compressor.ts";
import type { Policy } from "../policy/policy.ts";
import type { UploadSettings } from "./upload-executor.ts";

/** Which settings each file gets, as indexes into one table that every batch carries (spec 2 §2.4, §8.6). */
export class SettingsTable {
  readonly settings: UploadSettings[] = [];
  readonly #indexByKey = new Map<string, number>();
  readonly #byPolicy = new Map<Policy, PolicySettings>();
  readonly #writeLz4: boolean;

  /** @param client `writeLz4` as in `ClientOptions`. */
  constructor(client: Pick<ClientOptions, "writeLz4"> = {}) {
    this.#writeLz4 = client.writeLz4 ?? false;
  }

  /** Index of the settings for a file under this policy. */
  forFile(policy: Policy, name: string, sizeBytes: number): number {
    const known = this.#ofPolicy(policy);
    if (known.compressed === known.plain) return known.plain;
    const compressor = chooseCompressor(policy.compression, name, sizeBytes);
    return compressor === undefined ? known.plain : known.compressed;
  }

  /** Options of the writer for a listing of a directory under this policy. */
  forDirectory(policy: Policy): ObjectWriterOptions {
    return this.#ofPolicy(policy).directory;
  }

  #ofPolicy(policy: Policy): PolicySettings {
    let known = this.#byPolicy.get(policy);
    if (known === undefined) {
      known = this.#build(policy);
      this.#byPolicy.set(policy, known);
    }
    return known;
  }

  #build(policy: Policy): PolicySettings {
    const metadata = this.#headerIdOf(chooseMetadataCompressor(policy.metadataCompression));
    const name = policy.compression.compressorName ?? "";
    const partSize = policy.upload.parallelUploadAboveSize ?? 0n;
    const base = {
      metadataCompressionHeaderId: metadata,
      splitter: policy.splitter.algorithm ?? "",
      // Kopia crashes at 0 and never splits below it (spec 2 §7.4).
      parallelUploadAboveSizeBytes: partSize > 0n ? Number(partSize) : 0,
    };
    const compressed = name === "none" ? 0 : this.#headerIdOf(name);
    return {
      plain: this.#indexOf({ ...base, compressionHeaderId: 0 }),
      compressed: this.#indexOf({ ...base, compressionHeaderId: compressed }),
      directory: {
        prefix: "k",
        compressionHeaderId: metadata,
        metadataCompressionHeaderId: metadata,
      },
    };
  }

  /** Header ID of a compressor; unknown names mean no compression (spec 2 §3). */
  #headerIdOf(name: string | undefined): number {
    if (name === undefined || name === "") return 0;
    if (name === LZ4_COMPRESSOR_NAME && this.#writeLz4) return LZ4_HEADER_ID;
    return compressorByName(name)?.headerId ?? 0;
  }

  #indexOf(settings: UploadSettings): number {
    const key = JSON.stringify(settings);
    let index = this.#indexByKey.get(key);
    if (index === undefined) {
      index = this.settings.push(settings) - 1;
      this.#indexByKey.set(key, index);
    }
    return index;
  }
}

interface PolicySettings {
  readonly plain: number;
  readonly compressed: number;
  readonly directory: ObjectWriterOptions;
}
