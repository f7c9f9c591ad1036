import type * as NodeBuffer from "node:buffer";
import type * as NodeCrypto from "node:crypto";
import type * as NodeZlib from "node:zlib";

interface NodeBuiltins {
  "node:buffer": typeof NodeBuffer;
  "node:crypto": typeof NodeCrypto;
  "node:zlib": typeof NodeZlib;
}

/**
 * A module built into Node, or `undefined` where there is none (a browser). Asking at run time
 * keeps the portable providers free of imports that only Node can resolve.
 */
export function nodeBuiltin<Name extends keyof NodeBuiltins>(
  name: Name,
): NodeBuiltins[Name] | undefined {
  const host = (globalThis as { process?: Partial<NodeJS.Process> }).process;
  return host?.getBuiltinModule?.(name);
}
