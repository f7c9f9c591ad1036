/** The stored form of directory listings (spec 2 §6), both ways. */
export { decodeDirectory } from "./decode-directory.ts";
export { encodeDirectory, writeDirectory } from "./encode-directory.ts";
