import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isInCgroup } from '../../src/runtime/instance/cgroup-of-process.ts';
import {
  bundleConfig,
  cgroupsPathOf,
  commandName,
  hasTerminal,
  writeInstance,
  readRecord,
} from '../../src/runtime/instance/files.ts';
import { instancePaths, parseSignalName } from '../../src/runtime/instance/paths.ts';
import { followInstance } from '../../src/runtime/instance.ts';
import type { Launch, OciConfig } from '../../src/runtime/runtime.ts';
import { isOurs, isShell, preStartHook, startCommand } from '../../src/runtime/instance/start-command.ts';

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

  it('that can be neither written nor removed says both', () => {
    const nowhere = { ...paths, directory: '/proc/self/fdinfo' };
    expect(() => writeInstance(nowhere, launch({}), '/hob/web')).toThrow(
      /^cannot write the bundle: .*; and what there is of it could not be removed: /,
    );
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

describe('what the small files say', () => {
  const runDir = mkdtempSync(join(tmpdir(), 'hob-instance-'));
  const own = instancePaths(runDir, 'web', 'i-1');
  mkdirSync(join(runDir, 'signals'));
  afterAll(() => rmSync(runDir, { recursive: true }));
  const record = { instanceID: 'i-1', cgroupsPath: '/hob/web', log: { path: '/l', maxSizeBytes: 1, maxFiles: 1 } };

  it.each([
    ['shell', '-1\n'],
    ['shell', '0\n'],
    ['shell', '1e3\n7\n'],
    ['shell', ' \n'],
    // The kernel looks at 32 bits of a pid: this would be process 1.
    ['pid', '4294967297'],
    ['pid', '99999999999999999999'],
    ['created', '{"pid": -5}\n'],
    ['created', '{"pid": 1.5}\n'],
  ] as const)('is believed only when it can be: %s %j', (kind, text) => {
    const instance = followInstance('web', own, record, { begun: false });
    writeFileSync(own.signals[kind], text);
    instance.read(kind);
    expect(instance.facts).toEqual({});
  });

  it('is an exit code only from 0 to 255', () => {
    const instance = followInstance('web', own, record, { begun: false });
    writeFileSync(own.signals.shell, '11\n256\n');
    instance.read('shell');
    expect(instance.facts).toEqual({ shellPid: 11 });
  });

  it.each([
    { ...record, instanceID: '../x' },
    { ...record, log: { path: '/l', maxSizeBytes: 1 } },
    { ...record, log: { path: '/l', maxSizeBytes: 1, maxFiles: -1 } },
    [record],
  ])('is no record of an instance when hob never wrote it: %j', (content) => {
    writeFileSync(join(runDir, 'instance.json'), JSON.stringify(content));
    expect(readRecord(join(runDir, 'instance.json'))).toBeUndefined();
  });
});

it('no process is in the root of all cgroups as in a cgroup of its own', () => {
  for (const path of ['', '/', '//', '/x/..']) expect(isInCgroup(process.pid, path)).toBe(false);
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
