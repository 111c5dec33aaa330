/**
 * What a process can do to the world outside through Node. hob's fault points are these, at every place in its code that uses one: so
 * there is no list to keep, and nothing in hob's own code that could switch one on. A test sees to it that hob imports nothing
 * from Node's file functions that is in neither list.
 */

/** Functions of `node:fs` that change something. `openSync` does where its flags let it write. */
export const fileEffects = [
  'appendFileSync',
  'chmodSync',
  'chownSync',
  'copyFileSync',
  'fsyncSync',
  'ftruncateSync',
  'linkSync',
  'mkdirSync',
  'mkdtempSync',
  'openSync',
  'renameSync',
  'rmSync',
  'rmdirSync',
  'symlinkSync',
  'truncateSync',
  'unlinkSync',
  'utimesSync',
  'writeFileSync',
  'writeSync',
] as const;

/** Functions of `node:fs/promises` that change something. */
export const promisedFileEffects = [
  'appendFile',
  'chmod',
  'copyFile',
  'mkdir',
  'mkdtemp',
  'open',
  'rename',
  'rm',
  'rmdir',
  'symlink',
  'unlink',
  'writeFile',
] as const;

/** Functions of both that only look, or let go of what is known already. */
export const fileReads = [
  'accessSync',
  'closeSync',
  'constants',
  'existsSync',
  'fstatSync',
  'globSync',
  'lstatSync',
  'opendirSync',
  'readFile',
  'readFileSync',
  'readSync',
  'readdir',
  'readdirSync',
  'readlink',
  'readlinkSync',
  'realpath',
  'realpathSync',
  'stat',
  'statSync',
  'statfsSync',
  'watch',
];

/** Functions of libc, by node:ffi, that change something. */
export const libcEffects = ['mkfifo', 'mount', 'umount2'] as const;

/** Functions of libc that change only the process itself, what it has open, or memory. */
export const libcReads = [
  '__errno_location',
  'clock_gettime',
  'epoll_create1',
  'epoll_ctl',
  'epoll_wait',
  'fcntl',
  'flock',
  'ioctl',
  'memfd_create',
  'mmap',
  'munmap',
  'pipe2',
  'setns',
  'unshare',
];

/** The system call numbers that change something, as hob gives them to `syscall`. */
export const libcSyscalls: Readonly<Record<string, string>> = { 424: 'pidfd_send_signal' };

/** Those that only get a descriptor: pidfd_open and pidfd_getfd. */
export const quietSyscalls = ['434', '438'];

/** What hob may have of other modules of Node through which more could be done than by those above. */
export const otherMeans: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': ['spawn'],
  'node:ffi': ['default'],
  // To an API server alone: those messages are died at in test/kubernetes/deaths.test.ts.
  'node:https': ['Agent', 'request'],
  'node:net': ['connect', 'createServer', 'Socket'],
  'node:sqlite': ['DatabaseSync'],
  'node:worker_threads': ['Worker', 'parentPort', 'workerData'],
};

/** Modules of Node that change nothing outside of the process. */
export const harmless =
  /^node:(crypto|events|http|module|os|path|perf_hooks|readline|stream|timers\/promises|url|util|zlib)$/;

/** What a piece of SQL changes: `journal: INSERT container`. Undefined for what only reads, or begins or settles something. */
export function statementName(sql: string): string | undefined {
  if (/^\s*BEGIN IMMEDIATE;/.test(sql)) return 'journal: upgrade';
  const [whole, verb = '', table = ''] =
    /^\s*(INSERT|UPDATE|DELETE|COMMIT)\b(?:\s+OR\s+REPLACE)?(?:\s+(?:INTO|FROM))?\s*(\w*)/.exec(sql) ?? [];
  return whole === undefined ? undefined : `journal: ${verb} ${table}`.trimEnd();
}

/** Whether an `open` with these flags can change something. */
export function opensForWriting(flags: unknown): boolean {
  if (typeof flags === 'number') return (flags & 0o3) !== 0 || (flags & 0o100) !== 0;
  return typeof flags === 'string' && /[wa+]/.test(flags);
}
