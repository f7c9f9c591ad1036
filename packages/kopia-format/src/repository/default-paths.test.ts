import { createHash } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { utf8Encode } from "../base/bytes.ts";
import {
  defaultCacheDirectory,
  defaultConfigDirectory,
  defaultIdentity,
  resolveConfigPath,
  userCacheDirectory,
} from "./default-paths.ts";

const isLinux = process.platform === "linux";

test.skipIf(!isLinux)("directories follow the XDG variables, then HOME", () => {
  const home = { HOME: "/home/me" };
  expect(defaultConfigDirectory(home)).toBe("/home/me/.config/kopia");
  expect(userCacheDirectory(home)).toBe("/home/me/.cache/kopia");
  const xdg = { ...home, XDG_CONFIG_HOME: "/c", XDG_CACHE_HOME: "/k" };
  expect(defaultConfigDirectory(xdg)).toBe("/c/kopia");
  expect(userCacheDirectory(xdg)).toBe("/k/kopia");
});

test.skipIf(!isLinux)(
  "a bare name lies in the configuration directory, a path where it says",
  () => {
    const env = { HOME: "/home/me" };
    expect(resolveConfigPath(env)).toBe("/home/me/.config/kopia/repository.config");
    expect(resolveConfigPath(env, "other.config")).toBe("/home/me/.config/kopia/other.config");
    expect(resolveConfigPath(env, "/x/y.config")).toBe("/x/y.config");
    expect(resolveConfigPath(env, "./y.config")).toBe(resolve("y.config"));
    const named = { ...env, KOPIA_CONFIG_PATH: "/z.config" };
    expect(resolveConfigPath(named)).toBe("/z.config");
    expect(resolveConfigPath(named, "/x.config")).toBe("/x.config");
  },
);

test.skipIf(!isLinux)(
  "the cache of a connection is named by repository and connection file",
  () => {
    const uniqueId = new Uint8Array([1, 2, 3]);
    const configPath = "/x/y.config";
    const hash = createHash("sha256").update(uniqueId).update(utf8Encode(configPath)).digest("hex");
    expect(defaultCacheDirectory({ env: { HOME: "/h" }, uniqueId, configPath })).toBe(
      `/h/.cache/kopia/${hash.slice(0, 16)}`,
    );
  },
);

test("the identity is this user on the first part of the host name", () => {
  expect(defaultIdentity()).toEqual({
    username: userInfo().username,
    hostname: hostname().split(".")[0]?.toLowerCase(),
  });
});
