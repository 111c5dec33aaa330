import { expect, it } from 'vitest';
import type { RunResult } from '../../src/keeper/protocol.ts';
import { askToRun } from '../../src/runtime/keeper/ask.ts';
import { keeperError } from '../../src/runtime/keeper/connection.ts';
import type { KeeperLink } from '../../src/runtime/keeper/link.ts';

const request = { argv: ['true'], timeoutMs: 20_000 };
const result: RunResult = {
  code: 0,
  signal: null,
  stdout: '',
  stderr: '',
  timedOut: false,
  truncated: false,
  durationMs: 1,
};

/** A keeper that cannot start the program at first. */
function shortOf(code: string): { readonly link: KeeperLink; readonly asked: () => number } {
  let asked = 0;
  const ask = () => {
    asked += 1;
    return { id: asked, answer: asked === 1 ? Promise.reject(keeperError(code, code)) : Promise.resolve(result) };
  };
  const session = async () => ({ connection: { ask, ended: new Promise(() => undefined) } });
  return { link: { session } as unknown as KeeperLink, asked: () => asked };
}

it.each(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ENOSPC'])(
  'a program that cannot be started for a moment is started after it: %s',
  async (code) => {
    const { link, asked } = shortOf(code);
    expect(await askToRun(link, request, undefined, false)).toBe(result);
    expect(asked()).toBe(2);
  },
);

it.each(['ENOENT', 'EACCES', 'KEEPER_LOST'])('what another try would not change is answered: %s', async (code) => {
  const { link, asked } = shortOf(code);
  await expect(askToRun(link, request, undefined, false)).rejects.toMatchObject({ code });
  expect(asked()).toBe(1);
});
