import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFramer } from '../../plugins/EthanLog/frames.ts';
import { parseRecord } from '../../plugins/EthanLog/record.ts';
import { shippedPlugins } from '../support/shipped-plugins.ts';

const client = join(shippedPlugins, 'EthanLog/ethanlog-cat');
const shells = [['/bin/busybox', 'sh'], ['/bin/dash'], ['/bin/bash', '--posix']].filter(([path = '']) =>
  existsSync(path),
);

let dir: string;
let reader: number;
let writer: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-ethanlog-cat-'));
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  reader = openSync(join(dir, 'pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
  writer = openSync(join(dir, 'pipe'), constants.O_RDWR | constants.O_NONBLOCK);
});
afterEach(() => {
  for (const fd of [reader, writer]) closeSync(fd);
  rmSync(dir, { recursive: true });
});

const bodies = (): Buffer[] => {
  const buffer = Buffer.alloc(256 * 1024);
  return createFramer().feed(buffer.subarray(0, readSync(reader, buffer)));
};
const records = () => bodies().map((body) => parseRecord(body));
const messages = () => records().map((record) => [record?.level?.digit, record?.message]);

describe.each(shells.map((shell) => shell.join(' ')))('ethanlog-cat in %s', (shell) => {
  const [program = '', ...options] = shell.split(' ');

  function run(input: string | Buffer, args: string[] = [], { number = 3, env = {} } = {}) {
    const between = Array.from({ length: number - 3 }, () => 'ignore' as const);
    const { status, stderr } = spawnSync(program, [...options, client, ...args], {
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe', ...between, writer],
      env: { PATH: '/nowhere', ETHAN_LOGGING_PIPE: String(number), ...env },
    });
    return { status, stderr };
  }

  it('makes a record of each line, the last one too', () => {
    expect(run('hello\n  a \\n %s "b" $c `d`\t\n\nlast')).toEqual({ status: 0, stderr: '' });
    const found = records();
    expect(found.map((record) => record?.message)).toEqual(['hello', '  a \\n %s "b" $c `d`\t', '', 'last']);
    expect(found[0]).toMatchObject({ level: { name: 'info' }, file: 'stdout', pid: expect.any(Number) });
    expect(found[0]?.monotonic).toMatch(/^[\da-f]{8}\.[\da-f]{8}$/);
    expect(Number.parseInt(found[0]?.monotonic ?? '', 16)).toBeGreaterThan(0);
  });

  it('takes the level from the beginning of a line, unless told not to, or from its options', () => {
    const lines = '<1>a\n<6>b\n<7>c\n<0>d\n< 2>e\nf\n';
    run(lines);
    expect(messages()).toEqual([
      [1, 'a'],
      [6, 'b'],
      [4, '<7>c'],
      [4, '<0>d'],
      [4, '< 2>e'],
      [4, 'f'],
    ]);
    run('<1>a\nb', ['--level-prefix=no', '-p', 'err']);
    expect(messages()).toEqual([
      [2, '<1>a'],
      [2, 'b'],
    ]);
    for (const [digit, ...args] of [
      [3, '--priority=warning'],
      [5, '-p5'],
      [6, '--priority', 'notice'],
      [1, '-p', 'crit'],
    ] as const) {
      run('x', [...args]);
      expect(messages()).toEqual([[digit, 'x']]);
    }
  });

  it('makes several records of a long line, none of more than 512 bytes, and keeps marks out of texts', () => {
    const long = `${'é'.repeat(1000)}end`;
    run(`${long}\na\x1eb\x1f\x1fMc\n`);
    const found = bodies();
    for (const body of found) expect(body.length + 2).toBeLessThanOrEqual(512);
    const texts = found.map((body) => parseRecord(body)?.message);
    expect(texts.slice(0, -1).join('')).toBe(long);
    expect(texts.at(-1)).toBe('a b  Mc');
  });

  it('drops what finds the pipe full, and says so', () => {
    const { status, stderr } = run(Buffer.from('some line that fills the pipe\n'.repeat(6000)));
    expect(status).toBe(0);
    const found = messages();
    expect(new Set(found.map(String))).toEqual(new Set(['4,some line that fills the pipe']));
    expect(stderr).toBe(`ethanlog-cat: ${6000 - found.length} records were dropped: the pipe was full\n`);
  });

  it('finds the pipe at a number of two digits', () => {
    expect(run('hello', [], { number: 12 })).toEqual({ status: 0, stderr: '' });
    expect(messages()).toEqual([[4, 'hello']]);
  });

  it('says what is wrong', () => {
    const wrong = (args: string[], env: Record<string, string> = {}): string => {
      const { status, stderr } = run('x', args, { env });
      expect(status).toBe(1);
      return stderr;
    };
    expect(wrong([], { ETHAN_LOGGING_PIPE: '' })).toContain('ETHAN_LOGGING_PIPE is not set');
    expect(wrong([], { ETHAN_LOGGING_PIPE: '3; id' })).toContain('must be a number, not 3; id');
    expect(wrong([], { ETHAN_LOGGING_PIPE: '77' })).toContain('nothing is open there');
    expect(wrong(['-p', 'loud'])).toContain('there is no level loud');
    expect(wrong(['-p'])).toContain('-p takes a level');
    expect(wrong(['--level-prefix=maybe'])).toContain('--level-prefix takes true or false');
    expect(wrong(['--loud'])).toContain('there is no option --loud');
  });
});

it('the time of its records is right on a host that was suspended', () => {
  // In this time namespace CLOCK_BOOTTIME, and with it /proc/uptime, is as far ahead as on such a host.
  const suspended = ['--time', '--boottime=5000'];
  const modules = ['entry', 'libc', 'frames', 'record'].map((name) => join(shippedPlugins, `EthanLog/${name}.ts`));
  const program = `
    import { spawnSync } from 'node:child_process';
    import { openSync, readSync } from 'node:fs';
    const [entry, libc, frames, record] = await Promise.all(${JSON.stringify(modules)}.map((path) => import(path)));
    const pipe = openSync(${JSON.stringify(join(dir, 'pipe'))}, 'r+');
    const options = { input: 'hello', stdio: ['pipe', 'inherit', 'inherit', pipe], env: { ETHAN_LOGGING_PIPE: '3' } };
    spawnSync('/bin/sh', [${JSON.stringify(client)}], options);
    const written = Date.now();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    const buffer = Buffer.alloc(512);
    const [body] = frames.createFramer().feed(buffer.subarray(0, readSync(pipe, buffer)));
    const { monotonic } = record.parseRecord(body);
    const clocks = libc.readClocks();
    const ahead = Number((clocks.boottime - clocks.monotonic) / 1_000_000_000n);
    console.log(JSON.stringify({ ahead, written, time: entry.timeOf(monotonic, clocks).getTime() }));
  `;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program];
  const before = Date.now();
  const printed = execFileSync('unshare', [...suspended, process.execPath, ...args], { encoding: 'utf8' });
  const { ahead, written, time } = JSON.parse(printed) as Record<'ahead' | 'written' | 'time', number>;
  expect(ahead).toBeGreaterThanOrEqual(5000);
  // Of a time that is not believed, the time of reading would be taken. The clock is one of hundredths of a second.
  expect(time).toBeGreaterThan(before - 20);
  expect(time).toBeLessThanOrEqual(written);
});
