import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { machine, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const dir = mkdtempSync(join(tmpdir(), 'hob-assets-'));
const given = join(dir, 'given');
const cached = join(dir, `cache/hob/kube/1.20.2-${machine()}`);
afterAll(() => rmSync(dir, { recursive: true }));

it('what KUBEBUILDER_ASSETS has comes first, and what is cached after that; what is missing is named', () => {
  expect(look()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/missing .*kube-apiserver.*npm run kube:assets/),
  });

  putPrograms(cached, 'kube-apiserver', 'etcd', 'kubectl');
  expect(placesOf(look())).toMatchObject({ 'kube-apiserver': join(cached, 'kube-apiserver') });

  putPrograms(given, 'kube-apiserver', 'etcd');
  const places = placesOf(look());
  expect(places).toMatchObject({ 'kube-apiserver': join(given, 'kube-apiserver'), etcd: join(given, 'etcd') });
  expect(places['kubectl']).not.toBe(join(given, 'kubectl'));
});

function look() {
  const env = { ...process.env, KUBEBUILDER_ASSETS: given, XDG_CACHE_HOME: join(dir, 'cache') };
  return spawnSync(join(import.meta.dirname, 'assets.sh'), ['--look'], { env, encoding: 'utf8' });
}

function putPrograms(directory: string, ...names: string[]): void {
  mkdirSync(directory, { recursive: true });
  for (const name of names) writeFileSync(join(directory, name), '#!/bin/sh\n', { mode: 0o755 });
}

const placesOf = ({ stdout }: { stdout: string }): Record<string, string> =>
  Object.fromEntries<string>(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
