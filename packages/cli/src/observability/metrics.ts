import type {
  ContentWriteStats,
  MetricFamily,
  MetricSample,
  ObservedOperation,
  StorageMethod,
} from "@kopia-engine/kopia-format";

/** Upper bounds of the latency histogram in milliseconds, as Kopia's (spec 3 §9.1). */
const LATENCY_BUCKETS_MS = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000,
];
const NS_PER_MS = 1e6;
const ERROR_METHODS: readonly StorageMethod[] = [
  "Close",
  "DeleteBlob",
  "GetBlob",
  "GetCapacity",
  "GetMetadata",
  "ListBlobs",
  "PutBlob",
];

/** Counts what this process does, by Kopia's names. */
export class Metrics {
  readonly #counters = new Map<string, number>();
  readonly #errors = new Map<StorageMethod, number>();
  readonly #latencies = new Map<string, { buckets: number[]; sumMs: number; count: number }>();

  /** To be told about every storage operation. */
  readonly storageOperation = (operation: ObservedOperation): void => {
    const { method, lengthBytes = 0, itemCount = 0, range, error } = operation;
    if (error !== undefined) this.#errors.set(method, (this.#errors.get(method) ?? 0) + 1);
    const part = range === undefined ? "full" : "partial";
    this.#latency(method === "GetBlob" ? `GetBlob-${part}` : method, operation.durationNs);
    if (error !== undefined) return;
    if (method === "GetBlob") this.#add(`blob_download_${part}_blob_bytes`, lengthBytes);
    if (method === "PutBlob") this.#add("blob_upload_bytes", lengthBytes);
    if (method === "ListBlobs") this.#add("blob_list_items", itemCount);
  };

  /** To be told what a write session did when it ends. */
  writeSession(stats: ContentWriteStats): void {
    this.#add("content_write_bytes", stats.writtenBytes + stats.deduplicatedBytes);
    this.#add("content_uploaded_bytes", stats.packedBytes);
    this.#add("content_deduplicated", stats.deduplicatedCount);
    this.#add("content_deduplicated_bytes", stats.deduplicatedBytes);
  }

  /** Everything as it is now, sorted by name. */
  families(): readonly MetricFamily[] {
    const counters = COUNTERS.map(([name, help]) =>
      counter(name, help, [sample({}, this.#counters.get(name) ?? 0)]),
    );
    const errors = ERROR_METHODS.map((method) => sample({ method }, this.#errors.get(method) ?? 0));
    return [
      ...counters,
      counter("blob_errors", "Storage operations that failed, by method", errors),
      this.#latencyFamily(),
      ...processFamilies(),
    ].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #add(name: string, value: number): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + value);
  }

  #latency(method: string, durationNs: bigint): void {
    const ms = Number(durationNs) / NS_PER_MS;
    let histogram = this.#latencies.get(method);
    if (histogram === undefined) {
      histogram = { buckets: LATENCY_BUCKETS_MS.map(() => 0), sumMs: 0, count: 0 };
      this.#latencies.set(method, histogram);
    }
    histogram.count++;
    histogram.sumMs += ms;
    for (const [index, bound] of LATENCY_BUCKETS_MS.entries())
      if (ms <= bound) histogram.buckets[index] = (histogram.buckets[index] ?? 0) + 1;
  }

  #latencyFamily(): MetricFamily {
    const samples: MetricSample[] = [];
    for (const [method, { buckets, sumMs, count }] of this.#latencies) {
      for (const [index, bound] of LATENCY_BUCKETS_MS.entries()) {
        const labels = { method, le: String(bound) };
        samples.push({ part: "bucket", labels, value: buckets[index] ?? 0 });
      }
      samples.push(
        { part: "bucket", labels: { method, le: "+Inf" }, value: count },
        { part: "sum", labels: { method }, value: sumMs },
        { part: "count", labels: { method }, value: count },
      );
    }
    const help = "Latency of storage operations in milliseconds, by method";
    return { name: "kopia_blob_storage_latency_ms", help, type: "histogram", samples };
  }
}

const COUNTERS: readonly (readonly [string, string])[] = [
  ["blob_download_full_blob_bytes", "Bytes read as whole blobs"],
  ["blob_download_partial_blob_bytes", "Bytes read as parts of blobs"],
  ["blob_list_items", "Blobs that lists returned"],
  ["blob_upload_bytes", "Bytes written"],
  ["content_deduplicated", "Contents that were there already"],
  ["content_deduplicated_bytes", "Bytes of contents that were there already"],
  ["content_uploaded_bytes", "Bytes of new contents as stored"],
  ["content_write_bytes", "Bytes given to be written"],
];

function counter(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name: `kopia_${name}`, help, type: "counter", samples };
}

function sample(labels: Readonly<Record<string, string>>, value: number): MetricSample {
  return { labels, value };
}

function processFamilies(): readonly MetricFamily[] {
  const cpu = process.cpuUsage();
  const seconds = (cpu.user + cpu.system) / 1e6;
  const memory = process.memoryUsage.rss();
  return [
    {
      name: "process_cpu_seconds",
      help: "CPU time of this process in seconds",
      type: "counter",
      samples: [sample({}, seconds)],
    },
    {
      name: "process_resident_memory_bytes",
      help: "Memory of this process in bytes",
      type: "gauge",
      samples: [sample({}, memory)],
    },
  ];
}
