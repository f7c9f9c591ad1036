import type { WriteSession } from "@kopia-engine/kopia-format";
import {
  DEFAULT_MAINTENANCE_PARAMETERS,
  setMaintenanceParameters,
} from "../model/maintenance-parameters.ts";
import { GLOBAL_TARGET } from "../model/source.ts";
import { DEFAULT_POLICY } from "./policy.ts";
import { setPolicy } from "./policy-store.ts";

/**
 * What every new repository gets first: the default global policy, and maintenance parameters owned by
 * this client (spec 1 §2.10 step 4, spec 3 §1.1). Flushes the session.
 */
export async function prepareNewRepository(session: WriteSession): Promise<void> {
  const { username, hostname } = session.repository.client;
  await setPolicy(session.manifests, GLOBAL_TARGET, DEFAULT_POLICY);
  await setMaintenanceParameters(session.manifests, {
    ...DEFAULT_MAINTENANCE_PARAMETERS,
    owner: `${username}@${hostname}`,
  });
  await session.flush();
}
