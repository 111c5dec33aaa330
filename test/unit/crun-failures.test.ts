import { describe, expect, it } from 'vitest';
import { followInstance, type Facts } from '../../src/runtime/instance.ts';
import { instancePaths } from '../../src/runtime/instance/paths.ts';
import { crunErrors, describeFailure, execFailure } from '../../src/runtime/start/failure.ts';

const record = { instanceID: 'i-1', cgroupsPath: '/hob/web', log: { path: '/x', maxSizeBytes: 1, maxFiles: 1 } };

function failure(words: string, facts: Facts = {}) {
  const instance = followInstance('web', instancePaths('/r', 'web', 'i-1'), record, { begun: true });
  Object.assign(instance.facts, facts);
  return describeFailure(instance, words, '/app');
}

describe("crun's log", () => {
  it('is read for its errors, whatever else is in it', () => {
    const log = [
      '{"msg":"slow","level":"warning","time":"2026-11-23T19:12:52.419386Z"}',
      'no JSON',
      '{"msg":"error stat\'ing file `/x`","level":"error","time":"2026-11-23T19:12:52.419386Z"}',
      '["error"]',
      '{"msg":"half',
    ];
    expect(crunErrors(log.join('\n'))).toEqual(["error stat'ing file `/x`"]);
    expect(crunErrors('')).toEqual([]);
  });

  it.each([
    [
      '{"msg":"exec container process `/bin/x`: Exec format error","level":"error"}',
      'exec container process `/bin/x`: Exec format error',
    ],
    ['{"msg":"could not connect","level":"error"}', undefined],
    ['exec container process', undefined],
    ['', undefined],
  ])('goes on where the container puts out its own: %j', (line, words) => {
    expect(execFailure(line)).toBe(words);
  });
});

describe('a failed start', () => {
  it.each([
    'executable file `/app` not found in $PATH: No such file or directory',
    'open executable: Permission denied',
    'exec container process (missing dynamic library?) `/app`: No such file or directory',
  ])('is a StartError when crun says: %s', (words) => {
    expect(failure(words)).toMatchObject({ reason: 'StartError', initExisted: true });
    expect(failure(words).message).toContain(words);
    expect(failure(words).message).toContain('/app');
  });

  it('is a PreStartRefused when the hook of hob refused, and no other', () => {
    expect(failure('error executing hook `/bin/sh` (exit code: 100)')).toMatchObject({ reason: 'PreStartRefused' });
    expect(failure('error executing hook `/bin/sh` (exit code: 1)')).toMatchObject({ reason: 'CreateError' });
    expect(failure('error executing hook `/opt/hook` (exit code: 100)')).toMatchObject({ reason: 'CreateError' });
  });

  it('is a CreateError otherwise, and tells whether there was a process', () => {
    const words = "error stat'ing file `/nodir`: No such file or directory";
    expect(failure(words)).toEqual({ kind: 'failed', reason: 'CreateError', message: words, initExisted: false });
    expect(failure(words, { createdPid: 5 }).initExisted).toBe(true);
    expect(failure(words, { pid: 5 }).initExisted).toBe(true);
  });
});
