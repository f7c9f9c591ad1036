// The package has no types of its own. Only what is used here.
declare module "zstd-codec" {
  interface ZstdSimple {
    /** One frame with its content size; `null` on failure. */
    compress(data: Uint8Array, level: number): Uint8Array | null;
  }
  interface ZstdBinding {
    readonly Simple: new () => ZstdSimple;
  }
  const module: { ZstdCodec: { run(onReady: (binding: ZstdBinding) => void): void } };
  export default module;
}
