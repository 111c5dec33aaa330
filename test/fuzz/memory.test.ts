import { ok } from 'node:assert/strict';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { parseSpecs } from '../../src/api/parse.ts';
import { apiRoot } from '../../src/api/wire.ts';
import { container, running } from '../fixtures/fake-backend.ts';
import { eventually, servedHob } from '../fixtures/served-hob.ts';
import { cases, mutatedText, patience, samples } from '../support/fuzz.ts';
import { shortSpec } from '../support/spec-texts.ts';

// What V8 makes of code that runs often would look like a leak, and come and go.
const plainly = ['--no-opt', '--no-maglev', '--no-sparkplug', '--no-lazy-feedback-allocation', '--no-flush-bytecode'];
for (const flag of ['--expose-gc', ...plainly]) setFlagsFromString(flag);
const collect = runInNewContext('gc') as () => void;

/** What is left of the heap when all that nobody needs is gone, in bytes. */
async function heap(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    await turn();
    collect();
  }
  return process.memoryUsage().heapUsed;
}

const rounds = 6;

/**
 * The first round fills caches. After it a leak grows in every round; what else comes and goes does so now and then.
 * @param inputs for all rounds: each gets others, as something may be kept for each new one
 * @param bound how many bytes may be left of a case
 */
async function expectFlat(
  inputs: readonly string[],
  round: (share: readonly Buffer[]) => Promise<void> | void,
  bound: number,
): Promise<void> {
  // Bytes: a string takes more memory once it was read.
  const bytes = inputs.map((text) => Buffer.from(text));
  const size = Math.floor(bytes.length / rounds);
  const heaps: number[] = [];
  for (let from = 0; from + size <= bytes.length; from += size) {
    await round(bytes.slice(from, from + size));
    heaps.push(await heap());
  }
  const each = median(heaps.slice(1).map((after, at) => after - (heaps[at] ?? 0))) / size;
  ok(each < bound, `each case leaves ${Math.round(each)} bytes on the heap`);
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? NaN;

describe('memory stays flat', () => {
  it(
    'over thousands of texts of specs',
    async () => {
      const texts = samples(mutatedText(shortSpec), cases(2400));
      await expectFlat(texts, (share) => share.forEach((text) => parseSpecs(text, 'f')), 32);
    },
    patience,
  );

  it(
    'over thousands of requests to the API',
    async () => {
      const hob = await servedHob();
      hob.backend.put(container('web', running));
      const one = `GET ${apiRoot}/namespaces/default/containers/web?watch HTTP/1.1\r\nHost: hob\r\n\r\n`;
      const requests = samples(
        mutatedText(one, `POST ${apiRoot}/apply HTTP/1.1\r\nHost: hob\r\nContent-Length: 9\r\n\r\nabc`),
        cases(2400),
      );
      const send = (text: Buffer): Promise<void> =>
        new Promise((resolve) => {
          const socket = connect(hob.socketPath, () => socket.end(text));
          socket.on('error', () => undefined);
          socket.on('data', () => socket.destroy());
          socket.on('close', () => resolve());
        });
      const round = async (share: readonly Buffer[]): Promise<void> => {
        for (const text of share) await send(text);
        hob.backend.asked.apply.length = 0;
        await eventually(() => ok(hob.backend.watchers() === 0));
      };
      await expectFlat(requests, round, 32);
      await hob.dispose();
    },
    patience,
  );
});
