import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeTree } from '../../src/rootfs/remove-tree.ts';

let dir: string;
let tree: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-tree-'));
  tree = join(dir, 'tree');
  mkdirSync(tree);
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('removing what a container left', () => {
  it('removes files, directories and links, and not what links lead to', async () => {
    writeFileSync(join(dir, 'outside'), 'precious');
    mkdirSync(join(dir, 'outer'));
    writeFileSync(join(dir, 'outer/inside'), 'precious');
    mkdirSync(join(tree, 'a/b/c'), { recursive: true });
    mkdirSync(join(tree, 'a/d'));
    writeFileSync(join(tree, 'a/b/file'), '');
    symlinkSync(join(dir, 'outside'), join(tree, 'a/file-link'));
    symlinkSync(join(dir, 'outer'), join(tree, 'a/directory-link'));
    await removeTree(tree);
    expect(existsSync(tree)).toBe(false);
    expect(readFileSync(join(dir, 'outside'), 'utf8')).toBe('precious');
    expect(readFileSync(join(dir, 'outer/inside'), 'utf8')).toBe('precious');
  });

  it('removes directories nested deeper than any path can name', async () => {
    const nest = "for (let i = 0; i < 600; i++) { fs.mkdirSync('d'.repeat(10)); process.chdir('d'.repeat(10)); }";
    const { status, stderr } = spawnSync(process.execPath, ['-e', nest], { cwd: tree, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    await removeTree(tree);
    expect(existsSync(tree)).toBe(false);
  });

  it('removes more directories side by side than are read at a time', async () => {
    for (let i = 0; i < 3000; i++) mkdirSync(join(tree, String(i)));
    await removeTree(tree);
    expect(existsSync(tree)).toBe(false);
  });

  it('removes names that are no text', async () => {
    const name = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe, 0x0a, 0xc3])]);
    mkdirSync(name);
    writeFileSync(Buffer.concat([name, Buffer.from('/\xe9', 'latin1')]), '');
    await removeTree(tree);
    expect(existsSync(tree)).toBe(false);
  });

  it('lets others have their turn meanwhile', async () => {
    for (let i = 0; i < 2000; i++) writeFileSync(join(tree, String(i)), '');
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    await removeTree(tree);
    clearInterval(count);
    expect(turns).toBeGreaterThan(2);
  });
});
