import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { untilTrue } from './hob.ts';

/** A crun that waits at one of its commands until the gate is open. */
export interface SlowCrun {
  /** With it in front. */
  readonly PATH: string;
  readonly gate: string;
  open(): void;
  close(): void;
  /** Close the gate, for this command. */
  waitAt(command: string): void;
  untilItWaits(): Promise<void>;
  remove(): void;
}

export function slowCrun(): SlowCrun {
  const bin = mkdtempSync(join(tmpdir(), 'hob-slow-crun-'));
  const [gate, slow, waits] = [join(bin, 'gate'), join(bin, 'slow'), join(bin, 'waits')];
  writeFileSync(
    join(bin, 'crun'),
    `#!/bin/sh
PATH='${process.env['PATH']}'
case " $* " in *" $(cat ${slow} 2>/dev/null || echo none) "*) touch ${waits}; while [ ! -e ${gate} ]; do sleep 0.05; done;; esac
exec crun "$@"
`,
  );
  chmodSync(join(bin, 'crun'), 0o755);
  const close = (): void => rmSync(gate, { force: true });
  return {
    PATH: `${bin}:${process.env['PATH']}`,
    gate,
    open: () => writeFileSync(gate, ''),
    close,
    waitAt: (command) => {
      close();
      rmSync(waits, { force: true });
      writeFileSync(slow, command);
    },
    untilItWaits: () => untilTrue('crun waits', () => removed(waits)),
    remove: () => rmSync(bin, { recursive: true }),
  };
}

function removed(path: string): boolean {
  try {
    rmSync(path);
    return true;
  } catch {
    return false;
  }
}
