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

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is left of the heap when all that nobody needs is gone, in bytes. */
async function heap(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    await turn();
    collect();
  }
  return process.memoryUsage().heapUsed;
}

/** The first round fills caches, and makes code of what runs often; what the rounds after it leave behind is a leak. */
async function expectFlat(round: () => Promise<void> | void, bound: number): Promise<void> {
  await round();
  const before = await heap();
  for (let rounds = 0; rounds < 4; rounds++) await round();
  const grown = (await heap()) - before;
  ok(grown < bound, `the heap has grown by ${Math.round(grown / 1024)} KiB`);
}

describe('memory stays flat', () => {
  it(
    'over thousands of texts of specs',
    async () => {
      const texts = samples(mutatedText(shortSpec), cases(600));
      // Less than 200 bytes a text.
      await expectFlat(() => texts.forEach((text) => parseSpecs(text, 'f')), 4 * texts.length * 200);
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
        cases(600),
      );
      const send = (text: string): Promise<void> =>
        new Promise((resolve) => {
          const socket = connect(hob.socketPath, () => socket.end(text));
          socket.on('error', () => undefined);
          socket.on('data', () => socket.destroy());
          socket.on('close', () => resolve());
        });
      const round = async (): Promise<void> => {
        for (const text of requests) await send(text);
        hob.backend.asked.apply.length = 0;
        await eventually(() => ok(hob.backend.watchers() === 0));
      };
      // Less than 1 KiB a request.
      await expectFlat(round, 4 * requests.length * 1024);
      await hob.dispose();
    },
    patience,
  );
});
