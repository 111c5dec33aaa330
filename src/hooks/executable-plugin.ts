import { codeOf, wordsOf } from '../host/errors.ts';
import { isObject, outcomeOfProcess, parsePrinted, withStderr } from './executable-answer.ts';
import { checkIdentity } from './identity.ts';
import { environmentVariables, type PluginSetting } from './plugin-variables.ts';
import { failed, type HookLimits, type HookLog, type HookOutcome } from './registered-plugin.ts';
import type { HookRequest, PluginIdentity, RegisteredPlugin } from './registered-plugin.ts';
import { MAX_OUTPUT_BYTES, type ProcessRequest, type ProcessResult, type RunProcess } from './run-process.ts';
import { cgroupOf } from './surroundings.ts';

export interface ExecutableOptions extends PluginSetting {
  readonly version: string;
  readonly run: RunProcess;
  readonly log: HookLog;
  /** How long `PROGRAM describe` may take. */
  readonly loadLimitMs: number;
}

/** Ask an executable what it is. Rejects with an Error that says what is wrong with it. */
export async function loadExecutable(options: ExecutableOptions): Promise<RegisteredPlugin> {
  const identity = await describe(options);
  let isRetired = false;
  return {
    ...identity,
    kind: 'executable',
    path: options.path,
    version: options.version,
    call: (request, limits) => executeHook(options, request, limits),
    setNeeded: () => undefined,
    retire: () => void (isRetired = true),
    isUsable: () => !isRetired,
    fault: () => undefined,
    close: async () => undefined,
  };
}

async function describe(options: ExecutableOptions): Promise<PluginIdentity> {
  const { path, run, loadLimitMs } = options;
  const request = { argv: [path, 'describe'], env: environmentVariables(options), stdin: '' };
  const result = await runAgain(run, { ...request, ...limitsOf(loadLimitMs) }).catch((error: unknown) => {
    throw new Error(notStarted(error), { cause: error });
  });
  if (result.timedOut) throw new Error(`"describe" did not end within ${loadLimitMs / 1000} s`);
  if (result.code !== 0) throw new Error(withStderr(`"describe" ended with ${howEnded(result)}`, result));
  const described = parsePrinted(result.stdout);
  if (!isObject(described)) throw new Error('"describe" must print a JSON object with name and hookHints');
  const { name, hookHints } = described;
  return checkIdentity({ name, hookHints });
}

const mostRuns = 3;

/** Whoever was to run it may have died over it, which says nothing of the program. Not without end: the program may be the cause. */
async function runAgain(run: RunProcess, request: ProcessRequest): Promise<ProcessResult> {
  for (let runs = 1; ; runs += 1) {
    try {
      return await run(request);
    } catch (error) {
      if (codeOf(error) !== 'KEEPER_LOST' || runs === mostRuns) throw error;
    }
  }
}

async function executeHook(
  options: ExecutableOptions,
  request: HookRequest,
  { timeoutMs, graceMs, signal, onBegun }: HookLimits,
): Promise<HookOutcome> {
  const { path, run, log, surroundings } = options;
  const { point, ...call } = request;
  const env = environmentVariables(options);
  const stdin = JSON.stringify({ ...call, hookPoint: point, cgroup: cgroupOf(surroundings, call.id) });
  // The limit is kept where the process is; should nobody answer from there, hob goes on all the same.
  const lastResort = AbortSignal.timeout(timeoutMs + graceMs);
  try {
    const running = run(
      { argv: [path, point], env, stdin, ...limitsOf(timeoutMs) },
      AbortSignal.any([signal, lastResort]),
    );
    onBegun?.();
    const result = await running;
    logStderr(log, path, result);
    if (result.timedOut) return timedOut(timeoutMs, result);
    return outcomeOfProcess(result, point);
  } catch (error) {
    if (signal.aborted) return failed('HookAborted', 'the container is to stop; its process was killed');
    if (lastResort.aborted) return timedOut(timeoutMs);
    if (codeOf(error) === 'KEEPER_LOST') return failed('KeeperLost', wordsOf(error));
    return failed('PluginCrashed', notStarted(error));
  }
}

const limitsOf = (timeoutMs: number): Pick<ProcessRequest, 'cwd' | 'timeoutMs' | 'maxOutputBytes'> => ({
  cwd: '/',
  timeoutMs,
  maxOutputBytes: MAX_OUTPUT_BYTES,
});

function timedOut(timeoutMs: number, result?: ProcessResult): HookOutcome {
  const what = `it did not end within ${timeoutMs / 1000} s; its process was killed`;
  return failed('HookTimedOut', result ? withStderr(what, result) : what);
}

/** Stdout is for the answer, so stderr is where an executable logs. */
function logStderr(log: HookLog, path: string, { stderr }: ProcessResult): void {
  for (const line of stderr.split('\n').filter((each) => each !== '')) log.info({ path }, line);
}

const howEnded = ({ code, signal }: ProcessResult): string =>
  signal === null ? `exit code ${code}` : `signal ${signal}`;

function notStarted(error: unknown): string {
  const isMissing = codeOf(error) === 'ENOENT';
  return `it could not be started: ${wordsOf(error)}${isMissing ? ' (is the interpreter in its first line there?)' : ''}`;
}
