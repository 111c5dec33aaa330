import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { diagnose, type Finding } from '../../src/daemon/doctor.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'hob-doctor-'))));
afterEach(() => rmSync(directory, { recursive: true }));

async function find(check: string, options: { stateDir?: string; crun?: string } = {}): Promise<Finding | undefined> {
  const findings = await diagnose({ stateDir: join(directory, 'state'), runDir: join(directory, 'run'), ...options });
  return findings.find((finding) => finding.check === check);
}

it('finds nothing on this host that keeps hob from working', async () => {
  const findings = await diagnose({ stateDir: join(directory, 'state'), runDir: join(directory, 'run') });
  expect(findings.filter(({ ok }) => ok === 'problem')).toEqual([]);
  expect(findings.filter(({ ok, cure }) => ok !== 'ok' && cure === undefined)).toEqual([]);
});

it('says what to do when crun is not there', async () => {
  expect(await find('crun', { crun: join(directory, 'crun') })).toMatchObject({
    ok: 'problem',
    cure: expect.stringMatching(/install/),
  });
});

it('reports a crun that fails, in its own words', async () => {
  const crun = join(directory, 'crun');
  writeFileSync(crun, '#!/bin/sh\necho no libyajl >&2\nexit 127\n', { mode: 0o755 });
  expect(await find('crun', { crun })).toMatchObject({ ok: 'problem', found: expect.stringMatching(/no libyajl/) });
});

it('refuses a state directory that everybody may write', async () => {
  chmodSync(directory, 0o777);
  expect(await find('state directory')).toMatchObject({
    ok: 'problem',
    found: expect.stringMatching(/written by everybody/),
  });
});

it('refuses a state directory that is a file', async () => {
  const stateDir = join(directory, 'file');
  writeFileSync(stateDir, '');
  expect(await find('state directory', { stateDir })).toMatchObject({
    ok: 'problem',
    found: expect.stringMatching(/no directory/),
  });
});

it('makes nothing', async () => {
  expect(await find('state directory')).toMatchObject({
    ok: 'ok',
    found: expect.stringMatching(/makes when it starts/),
  });
  expect(() => rmSync(join(directory, 'state'))).toThrow(/ENOENT/);
});
