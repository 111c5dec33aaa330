import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Credentials } from '../../src/sources/kubernetes/credentials/credentials.ts';
import { keepCredentials } from '../../src/sources/kubernetes/credentials/keep.ts';
import { readCredentials } from '../../src/sources/kubernetes/credentials/read.ts';

const dir = mkdtempSync(join(tmpdir(), 'hob-kubeconfig-'));
afterAll(() => rmSync(dir, { recursive: true }));

function kubeconfig(user: object, cluster: object = {}): string {
  const path = join(dir, `${Math.random()}.yaml`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1/', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

describe('a kubeconfig comes to', () => {
  it('a server and a token from a file beside it, without the newline at its end', async () => {
    mkdirSync(join(dir, 'secrets'));
    writeFileSync(join(dir, 'secrets/token'), 'abc\n');
    const found = await readCredentials(
      kubeconfig({ tokenFile: 'secrets/token' }, { 'insecure-skip-tls-verify': true }),
    );
    expect(found).toEqual({ server: 'https://127.0.0.1:1', insecure: true, headers: { Authorization: 'Bearer abc' } });
  });

  it('certificates, out of files or as they are', async () => {
    writeFileSync(join(dir, 'ca.pem'), 'CA');
    const client = { 'client-certificate-data': btoa('CERT'), 'client-key-data': btoa('KEY') };
    const found = await readCredentials(
      kubeconfig(client, { 'certificate-authority': 'ca.pem', 'tls-server-name': 'k' }),
    );
    expect(found).toMatchObject({ ca: 'CA', cert: 'CERT', key: 'KEY', servername: 'k' });
  });

  it('what an exec plugin answers', async () => {
    const answer = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'of-a-plugin' },
    };
    const exec = { apiVersion: answer.apiVersion, command: '/bin/echo', args: [JSON.stringify(answer)] };
    expect(await readCredentials(kubeconfig({ exec }))).toMatchObject({
      headers: { Authorization: 'Bearer of-a-plugin' },
    });
  });

  it('words that say what is wrong with it, and which file it is', async () => {
    await expect(readCredentials(join(dir, 'nowhere'))).rejects.toThrow(/kubeconfig .*nowhere cannot be used: ENOENT/);
    const bad = join(dir, 'bad');
    writeFileSync(bad, 'clusters: {');
    await expect(readCredentials(bad)).rejects.toThrow(/kubeconfig .*bad cannot be used: .*[a-z]{3}/);
    writeFileSync(bad, 'apiVersion: v1\nkind: Config\n');
    await expect(readCredentials(bad)).rejects.toThrow(/it has no cluster for its current context/);
    chmodSync(bad, 0o666);
    await expect(readCredentials(bad)).rejects.toThrow(/can be written by everybody/);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/false' };
    await expect(readCredentials(kubeconfig({ exec }))).rejects.toThrow(/cannot be used/);
  });
});

describe('credentials are kept', () => {
  function keeping(): { kept: ReturnType<typeof keepCredentials>; reads: () => number; pass: (ms: number) => void } {
    let [reads, now] = [0, 0];
    const read = async (): Promise<Credentials> => ({ server: `https://${++reads}`, headers: {} });
    return { kept: keepCredentials(read, () => now), reads: () => reads, pass: (ms) => (now += ms) };
  }

  it('until they are refused, and not read again each time when they still are', async () => {
    const { kept, reads, pass } = keeping();
    const first = await kept.get();
    expect(await kept.get()).toBe(first);
    kept.failed(first, true);
    expect(await kept.get()).toBe(first);
    pass(3_000);
    kept.failed(first, true);
    const second = await kept.get();
    expect(second).not.toBe(first);
    // What comes late of the first says nothing of the second.
    kept.failed(first, true);
    pass(3_000);
    kept.failed(first, true);
    expect(await kept.get()).toBe(second);
    expect(reads()).toBe(2);
  });

  it('while a server cannot be reached, which may have moved: they are read again each minute', async () => {
    const { kept, reads, pass } = keeping();
    for (let second = 0; second < 180; second++) {
      kept.failed(await kept.get(), false);
      pass(1_000);
    }
    expect(reads()).toBe(3);
  });

  it('not for long when they cannot be read: the next who asks after ten seconds reads them', async () => {
    let [reads, now, isThere] = [0, 0, false];
    const kept = keepCredentials(
      async () => {
        reads++;
        if (!isThere) throw new Error('no such file');
        return { server: 'https://s', headers: {} };
      },
      () => now,
    );
    for (; now < 25_000; now += 1_000) await expect(kept.get()).rejects.toThrow('no such file');
    expect(reads).toBe(3);
    isThere = true;
    now += 10_000;
    expect(await kept.get()).toMatchObject({ server: 'https://s' });
    expect(reads).toBe(4);
  });
});
