import { expect, test } from "vitest";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import { isKopiaError } from "../../src/base/errors.ts";
import { changePassword } from "../../src/format/change-format.ts";
import { loadRepositoryFormat } from "../../src/format/load-format.ts";
import { createRepository } from "../../src/repository/create-repository.ts";
import { FaultyStorage, type FaultKind } from "../../src/testing/faulty-storage.ts";

/** Which of two passwords opens a repository. */
async function opening(storage: MemoryStorage): Promise<string> {
  for (const password of ["new", "old"]) {
    try {
      await loadRepositoryFormat(storage, password);
      return password;
    } catch (error) {
      if (!isKopiaError(error, "INVALID_PASSWORD")) throw error;
    }
  }
  throw new Error("no password opens the repository");
}

test.each<FaultKind>(["kill", "killAfter"])(
  "%s at every storage operation of a password change: the old or the new password opens",
  { timeout: 300_000 },
  async (kind) => {
    const seen = new Set<string>();
    for (let nth = 1; ; nth++) {
      const storage = new MemoryStorage();
      await createRepository(storage, { password: "old" });
      const faulty = new FaultyStorage(storage, [{ kind, nth }]);
      await changePassword(faulty, { password: "old", newPassword: "new" }).catch(() => undefined);
      const password = await opening(storage);
      seen.add(password);
      if (faulty.killed) continue;
      expect(password).toBe("new");
      break;
    }
    expect([...seen].sort()).toEqual(["new", "old"]);
  },
);
