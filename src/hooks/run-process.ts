/** A program to be run to its end, in a process group of its own. */
export interface ProcessRequest {
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdin: string;
  /** Then its process group is killed. */
  readonly timeoutMs: number;
  /** For stdout and for stderr each; what goes beyond is dropped. */
  readonly maxOutputBytes: number;
}

export interface ProcessResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Some of stdout or stderr was dropped. */
  readonly truncated: boolean;
}

/**
 * Runs the processes of executable plugins: hob itself starts none. The keeper does, in the daemon.
 * Rejects when the program cannot be started, and when `signal` fires (its process group is killed then).
 */
export type RunProcess = (request: ProcessRequest, signal?: AbortSignal) => Promise<ProcessResult>;

/** What is read of a plugin's program: of stdout and of stderr so much each. */
export const MAX_OUTPUT_BYTES = 64 * 1024;
