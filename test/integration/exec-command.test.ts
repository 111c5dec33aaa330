import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { execCommand } from '../../src/runtime/exec-command.ts';
import type { Launch } from '../../src/runtime/runtime.ts';
import { testRuntime, type TestRuntime } from '../support/runtime.ts';

let test: TestRuntime;
let launch: Launch;
beforeAll(async () => {
  test = await testRuntime();
  launch = test.launch(['sleep', '1000'], { process: { env: ['PATH=/bin', 'OWN=1', 'COMMON=old'] } });
  await test.start(launch);
});
afterAll(() => test.dispose());

function run(options: Partial<Parameters<typeof execCommand>[0]>): string {
  const command = options.command ?? ['true'];
  const [program = '', ...args] = execCommand({ runDir: test.runDir, id: launch.id, tty: false, ...options, command });
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

it('runs in the container', () => {
  expect(run({ command: ['sh', '-c', 'echo $$; echo $OWN'] })).toMatch(/^[1-9]\d*\n1\n$/);
});

it('takes what looks like an option for a part of the command', () => {
  expect(run({ command: ['sh', '-c', 'echo "$0"', '--tty'] })).toBe('--tty\n');
});

it("adds to the container's own environment, and has the last word in it", () => {
  expect(run({ command: ['sh', '-c', 'echo $OWN $COMMON $NEW'], env: ['COMMON=new', 'NEW=2'] })).toBe('1 new 2\n');
});

it('runs where and as whom it is told', () => {
  expect(run({ command: ['sh', '-c', 'pwd; cat /proc/self/status'], cwd: '/tmp', user: '5:6' })).toMatch(
    /^\/tmp\n[^]*\nUid:\t5\t[^]*\nGid:\t6\t/,
  );
});

it('passes the exit code on', () => {
  expect(() => run({ command: ['sh', '-c', 'exit 7'] })).toThrow(expect.objectContaining({ status: 7 }));
});

it('is made for no id that would lead elsewhere', () => {
  expect(() => run({ id: '../web' })).toThrow(/cannot be a container's id/);
});
