import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, vi } from 'vitest';
import { directorySource, type DirectorySourceOptions } from '../../src/sources/directory.ts';
import type { Declaration, Source, SourceSink } from '../../src/sources/source.ts';

/** A spec whose version stands in its first and in its last lines, so that half of it shows. */
export const specText = (name: string, version: string | number = 1): string =>
  [
    'apiVersion: hob.dev/v1alpha1',
    'kind: Container',
    `metadata: { name: ${name}, labels: { version: "v${version}" } }`,
    'spec:',
    '  rootfs: { path: /srv/rootfs }',
    `  # ${'filling '.repeat(20)}`,
    '  command: [/bin/sleep]',
    `  args: ["v${version}"]`,
    '',
  ].join('\n');

/** What the sink was told, in words: `declare a.yaml web=v1`, `declare a.yaml ! why`, `withdraw a.yaml`, `synced`, `unavailable why`, `available`. */
class Recorder implements SourceSink {
  readonly told: string[] = [];
  /** What each origin declares now; while it has mistakes, what it declared before. */
  readonly state = new Map<string, string>();
  readonly mistakes = new Map<string, string>();
  unavailableFor: string | undefined;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  declare(origin: string, { containers, mistakes }: Declaration): void {
    const name = relative(this.#folder, origin);
    const found = containers.map(({ metadata, spec }) => {
      expect(spec.args, `half of ${name} was read`).toEqual([metadata.labels?.['version']]);
      return `${metadata.name}=${metadata.labels?.['version']}`;
    });
    const wrong = mistakes.map(({ message }) => message).join(' | ');
    this.told.push(['declare', name, ...found, ...(wrong === '' ? [] : [`! ${wrong}`])].join(' '));
    for (const mistake of mistakes) expect(mistake.origin).toBe(origin);
    if (wrong === '') {
      this.mistakes.delete(name);
      this.state.set(name, found.join(' '));
    } else this.mistakes.set(name, wrong);
  }

  withdraw(origin: string): void {
    const name = relative(this.#folder, origin);
    this.told.push(`withdraw ${name}`);
    this.state.delete(name);
    this.mistakes.delete(name);
  }

  synced(): void {
    this.told.push('synced');
  }

  unavailable(reason: string | undefined): void {
    this.told.push(reason === undefined ? 'available' : `unavailable ${reason}`);
    this.unavailableFor = reason;
  }

  get withdrawn(): string[] {
    return this.told.filter((line) => line.startsWith('withdraw '));
  }

  toldOf(name: string): string[] {
    return this.told.filter((line) => line.split(' ')[1] === name);
  }
}

/** A place to try a directory source in: `folder` is what it watches, `base` holds that. */
export class Workshop {
  readonly base = mkdtempSync(join(tmpdir(), 'hob-directory-'));
  readonly folder: string;
  readonly recorder: Recorder;
  readonly logged: string[] = [];
  #source: Source | undefined;
  #staged = 0;

  constructor(name = 'specs') {
    this.folder = join(this.base, name);
    this.recorder = new Recorder(this.folder);
    chmodSync(this.base, 0o755);
  }

  /** Without events that come late, the sources of this test would go on by a rescan: there is none for an hour. */
  async watch(options: Partial<DirectorySourceOptions> = {}): Promise<Source> {
    const note = (_about: unknown, words: unknown): void => void this.logged.push(String(words));
    const log = { debug: note, info: note, warn: note } as unknown as DirectorySourceOptions['log'];
    const source = directorySource({ path: this.folder, log, rescanSeconds: 3600, ...options });
    this.#source = source;
    await source.start(this.recorder);
    return source;
  }

  async watchAndSync(options: Partial<DirectorySourceOptions> = {}): Promise<Source> {
    const source = await this.watch(options);
    await until(() => expect(this.recorder.told).toContain('synced'));
    return source;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Write where it is to be, as `cp` and shells do. */
  write(name: string, text: string, folder = this.folder): void {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }

  /** Write elsewhere, and move into place. */
  moveIn(name: string, text: string): void {
    const staged = join(this.base, `staged-${++this.#staged}`);
    writeFileSync(staged, text);
    renameSync(staged, this.path(name));
  }

  async close(): Promise<void> {
    await this.#source?.stop();
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** Wait, for long if it must be, until the assertion holds. */
export const until = (assertion: () => void): Promise<void> => vi.waitFor(assertion, { timeout: 60_000, interval: 10 });

/** Wait long enough for something that must not happen to happen. */
export const meanwhile = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Root may read everything; this is for what may not be read. */
export async function asNobody(work: () => Promise<void>): Promise<void> {
  process.seteuid?.(65534);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}

/** Do something that only root can, within `asNobody`. */
export function asRoot(work: () => void): void {
  process.seteuid?.(0);
  try {
    work();
  } finally {
    process.seteuid?.(65534);
  }
}
