/** Version of this program, as in its package. */
export const VERSION = "0.1.0";

/** What `--version` prints. */
export const VERSION_TEXT = `${VERSION} build: kopia-engine from: kopia-engine`;
