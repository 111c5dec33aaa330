import child from 'node:child_process';
import { happensAt } from './plan.ts';
import { callSite } from './site.ts';
import { wrapSync } from './wrap.ts';

type Args = readonly unknown[];
type Call = (...args: Args) => unknown;

const preload = new URL('./preload.ts', import.meta.url).pathname;

/** The processes that hob and its keeper start, and the signals they send by pid. A keeper gets its fault points from here. */
export function wrapProcesses(): void {
  const patched = child as unknown as Record<'spawn', Call>;
  const { spawn } = patched;
  patched.spawn = wrapSync(
    {
      name: () => 'process: spawn',
      detail: () => '',
      sited: true,
      error: (point) =>
        Object.assign(new Error(`spawn EAGAIN: a fault that a test wanted, ${point}`), { code: 'EAGAIN' }),
    },
    (...args: Args) => spawn(...withFaultPoints(args)),
  );
  const kill = process.kill.bind(process);
  process.kill = (pid, signal) => {
    const site = callSite();
    if (site === undefined || signal === 0) return kill(pid, signal);
    const mark = { point: `signal: kill at ${site}`, detail: String(signal) };
    happensAt({ ...mark, phase: 'before' });
    const sent = kill(pid, signal);
    happensAt({ ...mark, phase: 'after' });
    return sent;
  };
}

/** hob gives its keeper an environment of its own, so what it is to load goes with its arguments. */
function withFaultPoints(args: Args): Args {
  const [program, argv, options] = args;
  if (!Array.isArray(argv) || !argv.some((each) => String(each).endsWith('/keeper/main.ts'))) return args;
  const { env, ...rest } = options as { env: Record<string, string> };
  const own = { HOB_WALK_PLAN: process.env['HOB_WALK_PLAN'] };
  return [program, ['--import', preload, ...(argv as string[])], { ...rest, env: { ...env, ...own } }];
}
