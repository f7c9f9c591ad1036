import type { Policy } from "./policy.ts";

/** Policy of one folder of a snapshot (spec 2 §8.4). */
export interface PolicyTree {
  /** In the root: the merged policy. Below: the nearest stored policy, raw, without inheritance. */
  readonly policy: Policy;
  /** Whether this very folder has a policy; the root always has. */
  readonly isDefined: boolean;
  /** The node of an entry of this folder; cheap, and the same object while nothing is defined below. */
  child(name: string): PolicyTree;
}

/** Builds a tree from the root's policy and those below by relative path (`a/b`). */
export function createPolicyTree(
  rootPolicy: Policy,
  below: ReadonlyMap<string, Policy> = new Map(),
): PolicyTree {
  const root = new PolicyNode(rootPolicy, true);
  for (const [path, policy] of below) root.define(path, policy);
  root.inherit(rootPolicy);
  return root;
}

class PolicyNode implements PolicyTree {
  policy: Policy;
  isDefined: boolean;
  readonly #children = new Map<string, PolicyNode>();
  #undefinedChild: PolicyTree | undefined;

  constructor(policy: Policy, isDefined: boolean) {
    this.policy = policy;
    this.isDefined = isDefined;
  }

  child(name: string): PolicyTree {
    const child = this.#children.get(name);
    if (child !== undefined) return child;
    // One object for all folders without policies, so that comparing nodes stays cheap.
    if (!this.isDefined && this.#children.size === 0) return this;
    this.#undefinedChild ??= new PolicyNode(this.policy, false);
    return this.#undefinedChild;
  }

  define(path: string, policy: Policy): void {
    let node = this as PolicyNode;
    for (const name of path.split("/")) {
      let next = node.#children.get(name);
      if (next === undefined) {
        next = new PolicyNode(this.policy, false);
        node.#children.set(name, next);
      }
      node = next;
    }
    node.policy = policy;
    node.isDefined = true;
  }

  /** Nodes that only lead to others take the nearest policy above them. */
  inherit(policy: Policy): void {
    if (!this.isDefined) this.policy = policy;
    for (const child of this.#children.values()) child.inherit(this.policy);
  }
}
