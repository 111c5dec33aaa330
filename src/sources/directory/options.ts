import type { Logger } from 'pino';

export interface DirectoryOptions {
  /** A folder, or a symbolic link to one. It need not be there yet. */
  readonly path: string;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>;
  /** Everything is looked at this often, whatever the kernel's events said. */
  readonly rescanSeconds: number;
  /** A file that is written where it is counts as complete after being quiet for this long. */
  readonly settleMs: number;
  /** A file is withdrawn when it is still gone after this time. */
  readonly removeMs: number;
  /** Why a file is not to be trusted, and the cure; undefined when it is. */
  readonly trust: (path: string) => string | undefined;
}
