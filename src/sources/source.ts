import type { Container, SpecMistake } from '../api/container.ts';

/** What one origin (a file, for a directory) declares at this moment. */
export interface Declaration {
  /** The valid containers in it, defaults filled in. */
  readonly containers: readonly Container[];
  /** All that is wrong with it. While there are any, containers it declared before and does not declare now are kept as they were. */
  readonly mistakes: readonly SpecMistake[];
}

/** Where a source reports to. Calls are cheap and never throw. */
export interface SourceSink {
  /** `origin` now declares this. Replaces what it declared before. */
  declare(origin: string, declaration: Declaration): void;
  /** `origin` is gone, for certain. */
  withdraw(origin: string): void;
  /** Everything that was there when the source was first read has been declared. Called once. */
  synced(): void;
  /** The source cannot be read (undefined: it can again). Removes nothing; tells people. */
  unavailable(reason: string | undefined): void;
}

/** Where desired containers come from: a directory, a git repository, an API server. */
export interface Source {
  /** Kind and place, `directory:/etc/hob/containers`. Unique. */
  readonly name: string;
  /** Begin to watch; resolves when watching, not when synced. Never rejects for what may get better by itself. */
  start(sink: SourceSink): Promise<void>;
  stop(): Promise<void>;
}
