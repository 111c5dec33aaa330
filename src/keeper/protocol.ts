/**
 * What hob and the keeper say to each other: JSON, one message a line, over the unix socket `keeper.sock` in the run directory.
 * `hello` and `retire` keep their shape in every version, so that a newer hob can always ask an older keeper to go.
 */

/** Goes up when a message changes its shape or meaning. A hob and a keeper with unequal versions don't work together. */
export const protocolVersion = 3;

/** Start a process that outlives keeper and hob, in a session of its own. */
export interface StartRequest {
  /** Program and arguments; a program without a slash is looked up in PATH. */
  readonly argv: readonly string[];
  /** The whole environment; PATH is added where it is missing. */
  readonly env?: Readonly<Record<string, string>>;
  /** "/" by default. */
  readonly cwd?: string;
  /** Path of a FIFO, opened for reading and writing. /dev/null by default. */
  readonly stdout?: string;
  readonly stderr?: string;
  readonly descriptors?: Descriptors;
}

/** Descriptors of another process of the same user, which the started one gets as copies. They have to stay open there until the answer. */
export interface Descriptors {
  readonly pid: number;
  /** /dev/null by default. */
  readonly stdin?: number;
  /** Become 3, 4, ... */
  readonly fds: readonly number[];
  /** Those of `fds` that stay open in the keeper, under this key, until they are released. Not when the start fails. */
  readonly hold?: Held;
}

/** Descriptors that stay open under a key. */
export interface Held {
  readonly key: string;
  readonly fds: readonly number[];
  /** The process that was started with them, and its own numbers for them: while it lives, the next keeper can have them from there. */
  readonly started?: { readonly pid: number; readonly fds: readonly number[] };
}

/** Run a program to its end, in a session of its own. Should the keeper die over it, the next one ends it. */
export interface RunRequest {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What the program reads from stdin; /dev/null by default. */
  readonly stdin?: string;
  /** From the request on, waiting for a turn included. Then the whole process group is killed. */
  readonly timeoutMs: number;
  /** For stdout and for stderr each; what goes beyond is read and dropped. 1 MiB by default, and at most. */
  readonly maxOutputBytes?: number;
  /** Kill the process group when the client that asked goes: nobody else could make use of it. Otherwise the program comes to its end. */
  readonly endsWithClient?: boolean;
}

export interface RunResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Some output was dropped: there was more than `maxOutputBytes`. */
  readonly truncated: boolean;
  readonly durationMs: number;
}

export type LogStream = 'stdout' | 'stderr';

/** Carry what comes out of FIFOs to a log file, in the CRI format. */
export interface LogRequest {
  /** Names the log in later requests. Attaching a key twice changes nothing. */
  readonly key: string;
  readonly streams: readonly { readonly fifo: string; readonly stream: LogStream }[];
  readonly path: string;
  /** A log file that would grow beyond this is rotated first. */
  readonly maxSizeBytes: number;
  /** How many files there are at most, the current one included. */
  readonly maxFiles: number;
}

export type Request =
  | { readonly op: 'hello'; readonly version: number }
  | ({ readonly op: 'start' } & StartRequest)
  | ({ readonly op: 'run' } & RunRequest)
  | { readonly op: 'cancel'; readonly request: number }
  | ({ readonly op: 'attachLog' } & LogRequest)
  | { readonly op: 'drainLog'; readonly key: string }
  /** Hold copies of descriptors of another process of the same user: what an earlier keeper held. */
  | ({ readonly op: 'hold'; readonly pid: number } & Held)
  /** Close what is held under the key. Unknown ones are fine. */
  | { readonly op: 'release'; readonly key: string }
  | { readonly op: 'retire' };

export interface Hello {
  readonly version: number;
  readonly pid: number;
  /** Keys of the attached logs. */
  readonly logs: readonly string[];
  /** What descriptors are held, and under which keys; a newer keeper is to take them over. Missing before version 2. */
  readonly held?: readonly Held[];
}

/** What a request is answered with when it went well. */
export interface Answers {
  readonly hello: Hello;
  readonly start: { readonly pid: number };
  readonly run: RunResult;
  readonly cancel: null;
  readonly attachLog: null;
  readonly drainLog: null;
  readonly hold: null;
  readonly release: null;
  readonly retire: null;
}

/** `code` is Node's or the system's (ENOENT, EMFILE), or one of INVALID_REQUEST, CANCELLED, BUSY, RETIRING, FAILED. */
export interface RequestFailure {
  readonly code: string;
  readonly message: string;
}

/** An answer to the request with this id (null: to something that was no request). */
export type Answer =
  { readonly id: number; readonly ok: unknown } | { readonly id: number | null; readonly error: RequestFailure };

export interface LogEnded {
  readonly event: 'logEnded';
  readonly key: string;
}

/** Output of this log is being lost. Told again now and then, as long as it goes on. */
export interface OutputLost {
  readonly event: 'outputLost';
  readonly key: string;
  /** Why, in words for people. */
  readonly message: string;
}

export type Message = Answer | LogEnded | OutputLost;

/** Longer lines are not read: whoever sends them is told so and cut off. */
export const maxRequestBytes = 4 * 1024 * 1024;
export const maxMessageBytes = 16 * 1024 * 1024;

/** What the keeper has in the run directory. */
export const keeperFiles = {
  socket: 'keeper.sock',
  pid: 'keeper.pid',
  log: 'keeper.log',
  runs: 'keeper.runs',
} as const;

const newline = 10;

export function encodeLine(message: Message | (Request & { readonly id: number })): string {
  return `${JSON.stringify(message)}\n`;
}

/**
 * Cut a stream of bytes into lines.
 * @param onLine gets each line without its newline
 * @param onTooLong is called once, when a line grows beyond `limit` bytes; nothing is read after that
 * @returns what to give the bytes to
 */
export function lineReader(
  onLine: (line: string) => void,
  onTooLong: () => void,
  limit: number,
): (bytes: Buffer) => void {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  let tooLong = false;

  function keep(piece: Buffer): void {
    if (piece.length === 0) return;
    begun.push(piece);
    begunBytes += piece.length;
    tooLong = begunBytes > limit;
  }

  function takeLine(): string {
    const line = Buffer.concat(begun, begunBytes).toString('utf8');
    begun = [];
    begunBytes = 0;
    return line;
  }

  return (bytes) => {
    let from = 0;
    while (!tooLong && from < bytes.length) {
      const end = bytes.indexOf(newline, from);
      keep(bytes.subarray(from, end < 0 ? bytes.length : end));
      if (tooLong) return onTooLong();
      if (end < 0) return;
      onLine(takeLine());
      from = end + 1;
    }
  };
}
