import { compressorByHeaderId } from "../compression/registry.ts";
import type { ContentManager } from "../content/content-manager.ts";
import type { ContentWriteSession } from "../content/content-write-session.ts";
import { ContentManifestWriter } from "../manifest/content-manifest-writer.ts";
import { ContentObjectWriterStore } from "../object/content-object-writer-store.ts";
import { splitterFactory } from "../splitter/registry.ts";
import type { Repository, WriteSession } from "./repository.ts";

/** What `Repository.writeSession` gives. */
export class RepositoryWriteSession implements WriteSession {
  readonly repository: Repository;
  readonly contents: ContentWriteSession;
  readonly objects: ContentObjectWriterStore;
  readonly manifests: ContentManifestWriter;
  readonly #checks: (() => Promise<void>)[] = [];
  #flushing: Promise<void> = Promise.resolve();

  constructor(
    repository: Repository & { readonly contents: ContentManager },
    contents: ContentWriteSession,
    ignoreMalformed: boolean,
  ) {
    const { splitter, indexVersion } = repository.format.content;
    this.repository = repository;
    this.contents = contents;
    this.objects = new ContentObjectWriterStore(contents, {
      compressorByHeaderId,
      splitterFactory: (name) => splitterFactory(name),
      defaultSplitter: splitter,
      indexVersion,
    });
    this.manifests = new ContentManifestWriter({
      contents,
      refresh: () => repository.contents.refresh(),
      ignoreMalformed,
      clock: repository.clock,
      random: repository.random,
    });
  }

  afterFlush(check: () => Promise<void>): void {
    this.#checks.push(check);
  }

  /** Manifests become contents first, so that one index blob shows both (spec 2 §4.4). */
  async flush(): Promise<void> {
    let checks: (() => Promise<void>)[] = [];
    const flushed = this.#flushing.then(async () => {
      checks = this.#checks.splice(0);
      await this.manifests.flush();
      await this.contents.flush();
    });
    // The next flush waits for this one, but does not fail with it.
    this.#flushing = flushed.catch(() => undefined);
    await flushed;
    // Outside of the queue: they may flush themselves.
    for (const check of checks) await check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing;
    await this.contents.close();
  }
}
