import { ok, strictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { it } from 'vitest';
import { containerView } from '../../src/controller/status.ts';
import { adopt } from '../../src/daemon/adopt.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { machineVersion, newContainer } from '../../machines/context.ts';
import { entryStates } from '../../machines/events.ts';
import { holds, mutatedText, mutatedValue, patience } from '../support/fuzz.ts';
import { aSpec } from '../support/specs.ts';

const hash = { instance: 'one', resources: 'one' };
const desired = { spec: aSpec(), labels: { a: 'b' }, annotations: {}, generation: 1, hash, removed: false };
const identity = { id: 'web', uid: '01234567', namespace: 'default', name: 'web', createdAt: '2026-01-01T00:00:00Z' };
const lastTermination = { instanceID: '01234567-1', reason: 'Error', exitCode: 1, finishedAt: '2026-01-01T00:00:00Z' };
const instance = {
  id: '01234567-2',
  spec: desired.spec,
  hash,
  generation: 1,
  postConstructionBegun: true,
  initExisted: true,
  pid: 4_194_304,
  startTime: 7,
  startedAt: '2026-01-01T00:00:00Z',
  exit: { code: 3, oomKilled: false, finishedAt: '2026-01-01T00:00:00Z' },
};
const condition = {
  type: 'Ready',
  status: 'True',
  reason: 'Running',
  message: 'm',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};

const saved = {
  context: {
    ...newContainer(identity, desired),
    instance,
    lastTermination,
    nextStartAt: 1_800_000_000_000,
    closedAt: 1_800_000_000_000,
    missingPlugins: ['why'],
    hookFailures: [{ point: 'preStart', message: 'why' }],
  },
  conditions: [condition],
  claim: { source: 'directory:/x', origin: '/x/web.yaml' },
  contentHash: '0123456789abcdef',
};

const runtime = {
  list: async () => [],
  observe: async () => ({ kind: 'running', pid: 4_194_304, startTime: 7, paused: false }),
} as unknown as Runtime;

const rows = fc.record({
  context: mutatedValue(saved),
  state: fc.oneof(
    fc.constantFrom(...entryStates, 'alive.running', 'alive.', '.', 'constructor', '__proto__.x'),
    mutatedText('alive.running'),
  ),
});

it(
  'a row of the journal with anything in it is a container that can be gone on with, or is told and forgotten',
  () =>
    holds(rows, 4000, async ({ context, state }) => {
      const [forgotten, told] = [new Set<string>(), new Set<string>()];
      const record = { ...identity, state, machineVersion, context };
      const journal = {
        news: [],
        containers: () => [record],
        fact: () => undefined,
        forget: (id: string) => void forgotten.add(id),
      } as unknown as Journal;
      const report = { hob: (_: string, reason: string) => void told.add(reason) } as unknown as Parameters<
        typeof adopt
      >[0]['report'];
      const rootfs = { list: async () => [] } as unknown as Parameters<typeof adopt>[0]['rootfs'];
      const [adopted] = await adopt({ journal, runtime, rootfs, report });
      if (!adopted) {
        ok(forgotten.has('web') && told.has('RecordUnreadable'));
        return;
      }
      ok(entryStates.includes(adopted.resumeAt));
      strictEqual(adopted.context.id, 'web');
      for (const phase of ['Running', 'Backoff', 'Failed', 'Pending'] as const)
        ok(
          containerView({
            context: adopted.context,
            phase,
            mistakes: [],
            hooks: undefined,
            before: adopted.conditions,
            now: condition.lastTransitionTime,
          }),
        );
    }),
  patience,
);
