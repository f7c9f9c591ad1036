import { KopiaError, type ManifestLabels } from "@kopia-engine/kopia-format";
import { formatSource, GLOBAL_TARGET, hasTrailingSeparator, type Source } from "../model/source.ts";

/** Labels of the policy of a target (spec 2 §8.1). The most specific part that is set decides the kind. */
export function policyLabels(target: Source): ManifestLabels {
  const { host, userName, path } = target;
  const type = "policy";
  if (path !== "") return { type, policyType: "path", username: userName, hostname: host, path };
  if (userName !== "") return { type, policyType: "user", username: userName, hostname: host };
  if (host !== "") return { type, policyType: "host", hostname: host };
  return { type, policyType: "global" };
}

/** The target that labels of a policy manifest name; parts that its kind does not have are empty. */
export function targetFromLabels(labels: ManifestLabels): Source {
  const host = labels["hostname"] ?? "";
  const userName = labels["username"] ?? "";
  switch (labels["policyType"]) {
    case "path":
      return { userName, host, path: labels["path"] ?? "" };
    case "user":
      return { userName, host, path: "" };
    case "host":
      return { userName: "", host, path: "" };
    default:
      return GLOBAL_TARGET;
  }
}

/**
 * Refuses a target that cannot have a policy.
 * @throws KopiaError `POLICY_INVALID` for a path that ends in a slash or backslash.
 */
export function validatePolicyTarget(target: Source): void {
  if (!hasTrailingSeparator(target.path)) return;
  throw new KopiaError(
    "POLICY_INVALID",
    `invalid policy path: path cannot end with a slash or a backslash: ${target.path}`,
    { details: { target: formatSource(target) } },
  );
}

/** Targets whose policies a target inherits, most specific first, itself included (spec 2 §8.4). */
export function policyHierarchy(target: Source): Source[] {
  const { userName, host } = target;
  const targets = pathWithParents(target.path).map((path): Source => ({ userName, host, path }));
  if (userName !== "" && host !== "") targets.push({ userName, host, path: "" });
  if (host !== "") targets.push({ userName: "", host, path: "" });
  targets.push(GLOBAL_TARGET);
  return targets;
}

/** The path and its parents up to the root. Slash and backslash separate on every system; `X:` is kept. */
function pathWithParents(path: string): string[] {
  const paths: string[] = [];
  let current = path;
  while (current !== "") {
    paths.push(current);
    current = parentPath(current);
  }
  return paths;
}

/** Empty when there is no parent. */
function parentPath(path: string): string {
  const volumeLength = /^[A-Za-z]:/.test(path) ? 2 : 0;
  const rootLength = /^[\\/]/.test(path.slice(volumeLength)) ? volumeLength + 1 : volumeLength;
  if (path.length <= rootLength) return "";
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  if (cut < volumeLength) return "";
  return path.slice(0, Math.max(cut, rootLength));
}
