/** What the kernels export beside their functions. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
}

// The part of the standard that is used here: it is declared in no library this project compiles with.
interface WebAssemblyHost {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
}

/**
 * Compiles and instantiates a kernel, or gives `undefined` where WebAssembly is missing or forbidden
 * (some content security policies), so that the plain twin takes over. Synchronous: the kernels have
 * a few hundred bytes.
 */
export function loadKernel(wasmBase64: string): object | undefined {
  const host = (globalThis as { WebAssembly?: WebAssemblyHost }).WebAssembly;
  if (host === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(wasmBase64), (character) => character.charCodeAt(0));
    return new host.Instance(new host.Module(bytes)).exports;
  } catch {
    return undefined;
  }
}
