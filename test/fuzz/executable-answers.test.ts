import { match, ok, strictEqual } from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, it } from 'vitest';
import { outcomeOfProcess } from '../../src/hooks/executable-answer.ts';
import { loadExecutable } from '../../src/hooks/executable-plugin.ts';
import { type HookPoint, hookPoints } from '../../src/hooks/plugin.ts';
import type { HookOutcome } from '../../src/hooks/registered-plugin.ts';
import { holds, mutatedBytes, mutatedText, mutatedValue, patience } from '../support/fuzz.ts';
import { pluginBench, surroundings, use, type PluginBench } from '../support/plugins.ts';

const answer = {
  ok: true,
  message: 'done',
  env: ['A=b', 'C=d=e'],
  mounts: [
    { source: '/', destination: '/host', type: 'bind', options: ['rbind', 'ro'] },
    { source: 'tmpfs', destination: '/scratch', type: 'tmpfs', options: ['size=1m'] },
  ],
};
const text = JSON.stringify(answer);

const stdout = fc.oneof(
  { arbitrary: mutatedText(text, '{"ok": false, "message": "not today"}', '{}'), weight: 3 },
  { arbitrary: mutatedValue(answer).map((value) => JSON.stringify(value)), weight: 4 },
  { arbitrary: mutatedBytes(text).map((bytes) => bytes.toString()), weight: 1 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 100 }), weight: 1 },
);

const ended = fc.record({
  code: fc.constantFrom(0, 0, 0, 1, 255, null),
  signal: fc.constantFrom(null, null, null, 'SIGKILL'),
  stdout,
  stderr: fc.oneof(fc.constant(''), fc.string({ unit: 'binary', maxLength: 600 })),
  timedOut: fc.constant(false),
  truncated: fc.boolean(),
});

const ignore = (): void => undefined;
const reasons = /^(HookFailed|BadAnswer|PluginCrashed)$/;

/** Half of an answer is never acted upon: what is added is what the container can have, and only where it can. */
function expectWhole(outcome: HookOutcome, point: HookPoint): void {
  if (!outcome.ok) {
    match(outcome.reason, reasons);
    ok(outcome.message.length > 0 && outcome.message.length < 10_000, outcome.message);
    return;
  }
  const { env, mounts } = outcome.additions ?? { env: [], mounts: [] };
  ok(point === 'postConstruction' || env.length + mounts.length === 0);
  for (const assignment of env) match(assignment, /^[^=\0][^\0]*$/s);
  for (const { source, destination, type, options } of mounts) {
    ok(source !== '' && typeof type === 'string' && destination.startsWith('/') && !destination.includes('..'));
    ok(options.every((option) => typeof option === 'string'));
  }
}

it(
  'whatever an executable prints, and however it ends: its answer is taken whole, or it has failed and why is told',
  () =>
    holds(fc.tuple(ended, fc.constantFrom(...hookPoints)), 8000, ([result, point]) =>
      expectWhole(outcomeOfProcess(result, point), point),
    ),
  patience,
);

describe('a program', () => {
  let bench: PluginBench;
  afterEach(() => bench.dispose());

  it(
    'that answers a hook with anything fails in words, or adds what the container can have',
    async () => {
      bench = pluginBench();
      const said = join(bench.dir, 'said');
      bench.write(
        'odd',
        `#!/bin/sh\n[ "$1" = describe ] && exec echo '{"name": "odd", "hookHints": ["PostConstructionSync"]}'\nexec cat ${said}\n`,
      );
      await bench.registry.start();
      await holds(stdout, 40, async (output) => {
        writeFileSync(said, output);
        const { ok: wentWell, failures, additions } = await bench.run('postConstruction', [use('odd')]);
        strictEqual(failures.length, wentWell ? 0 : 1);
        strictEqual(additions !== undefined, wentWell);
        for (const { reason } of failures) match(reason, reasons);
      });
    },
    patience,
  );
});

it(
  'whatever an executable says of itself, it is a plugin, or why it is none is told',
  () => {
    const said = mutatedValue({ name: 'odd', hookHints: ['PreStartSync'] }).map((value) => JSON.stringify(value));
    const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
    const setting = { path: '/odd', stateDir: '/', surroundings, passedOn: [], version: '1', loadLimitMs: 1, log };
    return holds(fc.tuple(ended, fc.oneof(said, stdout)), 3000, async ([result, stdout]) => {
      const plugin = await loadExecutable({ ...setting, run: async () => ({ ...result, stdout }) }).catch(String);
      if (typeof plugin === 'string') match(plugin, /^Error: .{5}/);
      else match(plugin.name, /^[A-Za-z0-9]/);
    });
  },
  patience,
);
