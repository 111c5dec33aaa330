import threads, { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';
import type { Mark } from './plan.ts';
import { happensAt } from './plan.ts';

interface Message {
  readonly kind: string;
  readonly call?: number;
  readonly request?: { readonly point?: string };
}

/** Every message between hob and the threads of its plugins: hook calls and their answers. A fault is a thread that dies. */
export function wrapHookMessages(): void {
  const points = new Map<number, string>();
  const describe = (direction: 'send' | 'receive', { kind, call = -1, request }: Message): Place => {
    if (request?.point !== undefined) points.set(call, request.point);
    return { point: `hook: ${direction} ${kind}`, detail: points.get(call) ?? '' };
  };

  const { postMessage, emit } = Worker.prototype;
  Worker.prototype.postMessage = function (this: Worker, ...args: Parameters<typeof postMessage>) {
    const place = describe('send', args[0] as Message);
    pass(this, place, 'before', () => postMessage.apply(this, args));
    pass(this, place, 'after', () => undefined);
  };
  Worker.prototype.emit = function (this: Worker, type: string | symbol, ...args: unknown[]) {
    const send = (): boolean => emit.call(this, type as 'message', args[0]);
    if (type !== 'message') return emit.apply(this, [type as 'message', ...args] as Parameters<typeof emit>);
    const place = describe('receive', args[0] as Message);
    pass(this, place, 'before', () => void send());
    pass(this, place, 'after', () => undefined);
    return true;
  } as typeof emit;
}

const preload = new URL('./preload.ts', import.meta.url).pathname;

/** hob gives the threads of its plugins an environment of their own, so what they are to load goes with their arguments. */
export function wrapThreads(): void {
  threads.Worker = class extends Worker {
    constructor(path: string | URL, { env, execArgv = [], ...rest }: WorkerOptions = {}) {
      const own = { ...(env as Record<string, string>), HOB_WALK_PLAN: process.env['HOB_WALK_PLAN'] };
      super(path, { ...rest, env: own, execArgv: [...execArgv, '--import', preload] });
    }
  };
}

type Place = Pick<Mark, 'point' | 'detail'>;

function pass(worker: Worker, place: Place, phase: Mark['phase'], go: () => void): void {
  const fate = happensAt({ ...place, phase });
  if (fate === 'fail') void worker.terminate();
  else if (fate === 'nothing') go();
}
