import { goStringify, type JsonInput } from "@kopia-engine/kopia-format";
import { formatSource, listPolicies, policyToJson } from "@kopia-engine/snapshotter";
import { JsonListWriter, jsonFlags } from "../../output/json-output.ts";
import { defineCommand } from "../../parser/command.ts";
import { withRepository } from "../../session/open-session.ts";

/** `policy list` (spec 2 §9.13): flat JSON items. */
export const command = defineCommand({
  flags: { ...jsonFlags },
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async (repository) => {
      const policies = await listPolicies(repository.manifests);
      if (!flags.json) {
        for (const { id, target } of policies) context.out.line(`${id} ${formatSource(target)}`);
        return;
      }
      const list = new JsonListWriter(context.out, { indent: flags.jsonIndent });
      for (const { id, target, policy } of policies) {
        const { host, userName, path } = target;
        const fields = policyToJson(policy) as { readonly [key: string]: JsonInput };
        await list.add(goStringify({ id, target: { host, userName, path }, ...fields }));
      }
      list.end();
    });
  },
});
