import { systemClock } from "@kopia-engine/kopia-format";
import { expect, test } from "vitest";
import { Metrics } from "./metrics.ts";
import { listenForMetrics } from "./metrics-listener.ts";

test("profiles are served beside metrics, only where they are asked for", async () => {
  const metrics = new Metrics();
  const listener = await listenForMetrics(metrics, "127.0.0.1:0", { clock: systemClock });
  const get = (path: string, address = listener.address) => fetch(`http://${address}${path}`);
  try {
    const cpu = await get("/debug/pprof/profile?seconds=0.1");
    expect(cpu.status).toBe(200);
    const profile = (await cpu.json()) as { readonly nodes: readonly unknown[] };
    expect(profile.nodes.length).toBeGreaterThan(0);
    const heap = await get("/debug/pprof/heap?seconds=0.1");
    expect(await heap.json()).toHaveProperty("head");
    expect((await get("/metrics")).status).toBe(200);
    for (const seconds of ["0", "301", "x"])
      expect((await get(`/debug/pprof/profile?seconds=${seconds}`)).status).toBe(400);
  } finally {
    await listener.close();
  }
  const plain = await listenForMetrics(metrics, "127.0.0.1:0");
  expect((await get("/debug/pprof/profile", plain.address)).status).toBe(404);
  await plain.close();
});
