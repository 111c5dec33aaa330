import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleConfig, cgroupsPathOf, commandName, hasTerminal } from '../../src/runtime/instance-files.ts';
import { instancePaths, parseSignalName } from '../../src/runtime/instance-paths.ts';
import { followInstance } from '../../src/runtime/instance.ts';
import type { Launch, OciConfig } from '../../src/runtime/runtime.ts';
import { isOurs, isShell, preStartHook, startCommand } from '../../src/runtime/start-command.ts';

const paths = instancePaths('/run/hob', 'team_web.front', 'a1b2c3d4-2');

function launch(config: OciConfig, waitForPreStart = false): Launch {
  const log = { path: '/var/log/web.log', maxSizeBytes: 1, maxFiles: 1 };
  return { id: 'team_web.front', instanceID: 'a1b2c3d4-2', config, waitForPreStart, log, fds: [] };
}

describe('names', () => {
  it.each(['', '.', '..', '../up', 'a/b', '-rf', 'a b', 'a\n', 'ä', 'x'.repeat(300)])('no id is %j', (id) => {
    expect(() => instancePaths('/run/hob', id, 'i-1')).toThrow(/cannot be a container's id/);
  });

  it.each(['', 'a.b', '../x', 'x'.repeat(65)])('no instance id is %j', (instanceID) => {
    expect(() => instancePaths('/run/hob', 'web', instanceID)).toThrow(/cannot be an instance's id/);
  });

  it('a file of the signals directory is known for what it is, dots in the id or not', () => {
    for (const kind of ['created', 'pid', 'shell'] as const)
      expect(parseSignalName(paths.signals[kind].replace('/run/hob/signals/', ''))).toEqual({ key: paths.key, kind });
  });

  it.each(['web.i-1', 'web.i-1.pid.tmp', 'pid.', ''])('%j is no such file', (name) => {
    expect(parseSignalName(name)).toBeUndefined();
  });
});

describe('the bundle', () => {
  it('has no hook when nobody waits for preStart', () => {
    expect(bundleConfig(launch({ hostname: 'x' }), paths, '/hob/web')).toEqual({
      hostname: 'x',
      linux: { cgroupsPath: '/hob/web' },
    });
  });

  it("has hob's hook after the configuration's own, and loses nothing else", () => {
    const own = { path: '/usr/bin/first' };
    const config = { hooks: { createRuntime: [own], poststop: [own] }, linux: { resources: {} } };
    expect(bundleConfig(launch(config, true), paths, '/hob/web')).toEqual({
      hooks: { createRuntime: [own, preStartHook(paths)], poststop: [own] },
      linux: { resources: {}, cgroupsPath: '/hob/web' },
    });
  });

  it('puts a container into the cgroup that its configuration names, else into one of its own', () => {
    expect(cgroupsPathOf(launch({ linux: { cgroupsPath: '/mine' } }), '/hob')).toBe('/mine');
    expect(cgroupsPathOf(launch({ linux: {} }), '/hob')).toBe('/hob/team_web.front');
    expect(cgroupsPathOf(launch({}), '/hob')).toBe('/hob/team_web.front');
  });

  it('knows the command and the terminal of any configuration, however odd', () => {
    expect(commandName(launch({ process: { args: ['/bin/sh', '-c'] } }))).toBe('/bin/sh');
    expect(commandName(launch({ process: { args: 'sh' } }))).toBe('');
    expect(commandName(launch({}))).toBe('');
    expect(hasTerminal(launch({ process: { terminal: true } }))).toBe(true);
    expect(hasTerminal(launch({ process: { terminal: 'yes' } }))).toBe(false);
  });
});

describe('the processes that hob has started', () => {
  const other = instancePaths('/run/hob', 'team_web', 'a1b2c3d4-2');
  const shell = startCommand('/usr/bin/crun', '/run/hob/crun', 'team_web.front', paths, 2);
  const crun = shell.slice(4);
  const { args: hook } = preStartHook(paths);

  it('are told from those of other containers', () => {
    for (const args of [shell, crun, hook]) {
      expect(isOurs(args, paths.directory)).toBe(true);
      expect(isOurs(args, other.directory)).toBe(false);
    }
    expect(isShell(shell, paths)).toBe(true);
    expect(isShell(crun, paths)).toBe(false);
  });

  it.each([
    ['true'],
    ['less', paths.config],
    ['tail', '-f', paths.stdout],
    ['sh', '-c', 'true', paths.signals.shell],
    ['crun', 'delete', '-f', 'team_web.front'],
    ['ls', '-b', paths.directory],
  ])('are told from whoever looks at the files: %j', (...args) => {
    expect(isOurs(args.flat(), paths.directory)).toBe(false);
  });

  it('pass only so many descriptors on as there are', () => {
    expect(crun).toContain('--preserve-fds');
    expect(startCommand('crun', '/r', 'web', paths)).not.toContain('--preserve-fds');
  });
});

it('the word of its end is word of all that came before: no event has to come for that', () => {
  const runDir = mkdtempSync(join(tmpdir(), 'hob-instance-'));
  mkdirSync(join(runDir, 'signals'));
  const own = instancePaths(runDir, 'web', 'i-1');
  const record = { instanceID: 'i-1', cgroupsPath: '/hob/web', log: { path: '/l', maxSizeBytes: 1, maxFiles: 1 } };
  const instance = followInstance('web', own, record, { begun: true });
  writeFileSync(own.signals.shell, '11\n');
  writeFileSync(own.signals.pid, '12');
  instance.read('shell');
  expect(instance.facts).toEqual({ shellPid: 11 });
  writeFileSync(own.signals.shell, '11\n0\n');
  instance.read('shell');
  expect(instance.facts).toEqual({ shellPid: 11, crunCode: 0, pid: 12 });
  rmSync(runDir, { recursive: true });
});
