/** Identity of what is backed up, printed `user@host:path` (spec 2 §5.5). Also a policy target when parts are empty. */
export interface Source {
  readonly userName: string;
  readonly host: string;
  readonly path: string;
}
