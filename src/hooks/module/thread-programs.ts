import { wordsOf } from '../../host/errors.ts';
import type { ProgramOutcome } from './protocol.ts';
import type { ProgramRequest } from '../plugin-programs.ts';
import { MAX_OUTPUT_BYTES, type RunProcess } from '../run-process.ts';

/** The programs that the thread of a plugin has run; they end with it. */
export interface ThreadPrograms {
  run(program: number, request: ProgramRequest): void;
  cancel(program: number): void;
  cancelAll(): void;
}

/** @param answer told what became of each, but not of those that `cancelAll` ended */
export function threadPrograms(
  run: RunProcess,
  env: Readonly<Record<string, string>>,
  answer: (outcome: ProgramOutcome) => void,
): ThreadPrograms {
  const running = new Map<number, AbortController>();

  async function outcomeOf(program: number, request: ProgramRequest, signal: AbortSignal): Promise<ProgramOutcome> {
    try {
      const asked = { ...request, env, cwd: '/', maxOutputBytes: MAX_OUTPUT_BYTES };
      const { code, signal: endedBy, stdout, stderr, timedOut } = await run(asked, signal);
      return { program, result: { code, signal: endedBy, stdout, stderr, timedOut } };
    } catch (error) {
      return { program, fault: `${request.argv[0]} could not be run: ${wordsOf(error)}` };
    }
  }

  return {
    run(program, request) {
      const abort = new AbortController();
      running.set(program, abort);
      void outcomeOf(program, request, abort.signal).then((outcome) => {
        if (running.delete(program)) answer(outcome);
      });
    },
    cancel: (program) => running.get(program)?.abort(),
    cancelAll() {
      const aborts = [...running.values()];
      running.clear();
      for (const abort of aborts) abort.abort();
    },
  };
}
