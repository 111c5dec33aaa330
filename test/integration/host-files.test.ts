import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomic } from '../../src/host/files.ts';
import { lockDirectory } from '../../src/host/lock.ts';
import { assertTrustedPath } from '../../src/host/trust.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-files-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('writing a file atomically', () => {
  it.each([true, false])(
    'replaces the content and the mode, and leaves nothing else (durable: %s)',
    async (durable) => {
      const path = join(dir, 'spec');
      writeFileSync(path, 'old', { mode: 0o644 });
      await writeFileAtomic(path, 'new', 0o600, { durable });
      expect(readFileSync(path, 'utf8')).toBe('new');
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readdirSync(dir)).toEqual(['spec']);
    },
  );

  it('keeps the old file and names the path when it fails', async () => {
    const path = join(dir, 'is-a-directory');
    mkdirSync(join(path, 'full'), { recursive: true });
    await expect(writeFileAtomic(path, 'new', 0o600)).rejects.toThrow(`cannot write ${path}: `);
    expect(readdirSync(dir)).toEqual(['is-a-directory']);
  });

  it('never shows a reader half of it, with several writers at once', async () => {
    const path = join(dir, 'state');
    const contents = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(300_000));
    await writeFileAtomic(path, 'e', 0o600);
    const writing = Promise.all(contents.map((content) => writeFileAtomic(path, content, 0o600)));
    for (let i = 0; i < 50; i++) {
      expect(new Set(readFileSync(path, 'utf8')).size).toBe(1);
      await new Promise(setImmediate);
    }
    await writing;
    expect(contents).toContain(readFileSync(path, 'utf8'));
  });
});

describe('a path is trusted', () => {
  it('when root owns it and nobody else can write there, below a sticky /tmp too', () => {
    writeFileSync(join(dir, 'spec.yaml'), '');
    expect(assertTrustedPath(join(dir, 'spec.yaml'))).toBeUndefined();
  });

  it('through links whose targets are', () => {
    mkdirSync(join(dir, 'real/sub'), { recursive: true });
    symlinkSync('real', join(dir, 'link'));
    symlinkSync(join(dir, 'link/sub'), join(dir, 'absolute'));
    expect(assertTrustedPath(join(dir, 'absolute'))).toBeUndefined();
  });

  it('with one more owner when the caller says so', () => {
    chownSync(dir, 100_000, 100_000);
    expect(assertTrustedPath(dir)).toContain(`${dir} belongs to user 100000`);
    expect(assertTrustedPath(dir, 100_000)).toBeUndefined();
  });
});

describe('a path is not trusted', () => {
  it('when everybody can write the file', () => {
    const file = join(dir, "it's mine.yaml");
    writeFileSync(file, '');
    chmodSync(file, 0o666);
    expect(assertTrustedPath(file)).toMatch(
      /can be written by everybody \(owner 0, mode 0666\).*chmod go-w '.*it'\\''s mine.yaml'$/,
    );
  });

  it('when a group can write a directory on the way', () => {
    mkdirSync(join(dir, 'specs/sub'), { recursive: true });
    chownSync(join(dir, 'specs'), 0, 4242);
    chmodSync(join(dir, 'specs'), 0o775);
    expect(assertTrustedPath(join(dir, 'specs/sub'))).toContain(`${join(dir, 'specs')} can be written by group 4242`);
  });

  it('when somebody else owns a directory on the way, and the message says how to change that', () => {
    mkdirSync(join(dir, 'specs/sub'), { recursive: true });
    chownSync(join(dir, 'specs'), 4242, 0);
    expect(assertTrustedPath(join(dir, 'specs/sub'))).toMatch(/belongs to user 4242 .*chown -h root .*specs$/);
  });

  it('when it is itself a directory that everybody may add to, sticky or not', () => {
    chmodSync(dir, 0o1777);
    expect(assertTrustedPath(dir)).toContain('can be written by everybody');
  });

  it('when somebody else owns what lies in a sticky directory', () => {
    chmodSync(dir, 0o1777);
    writeFileSync(join(dir, 'spec.yaml'), '');
    chownSync(join(dir, 'spec.yaml'), 4242, 0);
    expect(assertTrustedPath(join(dir, 'spec.yaml'))).toContain('belongs to user 4242');
  });

  it('when a link leads to a place that others can write, or over a `..` that means another place than it looks', () => {
    mkdirSync(join(dir, 'open/inner'), { recursive: true });
    mkdirSync(join(dir, 'safe'));
    chmodSync(join(dir, 'open'), 0o777);
    symlinkSync('../open/inner', join(dir, 'safe/link'));
    expect(assertTrustedPath(join(dir, 'safe/link'))).toContain('/open can be written');
    expect(assertTrustedPath(`${dir}/safe/link/..`)).toContain('/open can be written');
  });

  it('when there is nothing, or links in a circle', () => {
    symlinkSync('b', join(dir, 'a'));
    symlinkSync('a', join(dir, 'b'));
    expect(assertTrustedPath(join(dir, 'a'))).toContain('too many symbolic links');
    expect(assertTrustedPath(join(dir, 'nothing'))).toContain('cannot tell who may change');
  });
});

describe('the lock of a directory', () => {
  const script = join(import.meta.dirname, '../fixtures/host/lock-directory.ts');
  const lockElsewhere = async () => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, join(dir, 'state')]);
    const [said] = (await once(createInterface(child.stdout), 'line')) as [string];
    return { child, said };
  };

  it('is refused to a second process, which hears who has it and what to do', async () => {
    const release = lockDirectory(join(dir, 'state'), 0o700);
    const { child, said } = await lockElsewhere();
    release();
    expect(said).toContain(`another hob (pid ${process.pid}) uses ${join(dir, 'state')}: stop that one first`);
    if (child.exitCode === null) await once(child, 'exit');
  });

  it('is free again once its holder was killed, and names the new one', async () => {
    const { child, said } = await lockElsewhere();
    expect(said).toBe('locked');
    expect(() => lockDirectory(join(dir, 'state'), 0o700)).toThrow(`pid ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    lockDirectory(join(dir, 'state'), 0o700)();
    expect(readFileSync(join(dir, 'state/hob.lock'), 'utf8')).toBe(`${process.pid}\n`);
  });

  it('makes the directory for its owner only', () => {
    lockDirectory(join(dir, 'run/deep'), 0o700)();
    expect(statSync(join(dir, 'run/deep')).mode & 0o777).toBe(0o700);
  });
});
