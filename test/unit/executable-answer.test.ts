import { describe, expect, it } from 'vitest';
import { outcomeOfProcess } from '../../src/hooks/executable-answer.ts';
import type { ProcessResult } from '../../src/hooks/run-process.ts';

const ended = (more: Partial<ProcessResult>): ProcessResult => ({
  code: 0,
  signal: null,
  stdout: '',
  stderr: '',
  timedOut: false,
  truncated: false,
  ...more,
});

const outcomeOf = (more: Partial<ProcessResult>, point: 'postConstruction' | 'preStart' = 'postConstruction') =>
  outcomeOfProcess(ended(more), point);

describe('the end of a hook process', () => {
  it('with code 0 and nothing on stdout went well', () => {
    expect(outcomeOf({ stdout: '\n' })).toMatchObject({ ok: true });
  });

  it('carries what the container gets', () => {
    const mounts = [{ source: 'tmpfs', destination: '/scratch', type: 'tmpfs', options: ['size=1m'] }];
    const stdout = JSON.stringify({ ok: true, env: ['A=b'], mounts });
    expect(outcomeOf({ stdout })).toEqual({ ok: true, additions: { env: ['A=b'], mounts } });
  });

  it('with another code failed, and says so with the end of stderr', () => {
    expect(outcomeOf({ code: 3, stderr: 'no such greeting\n' })).toEqual({
      ok: false,
      reason: 'HookFailed',
      message: 'it exited with code 3; stderr: no such greeting',
    });
  });

  it('failed with the message of its answer', () => {
    const expected = { ok: false, reason: 'HookFailed', message: 'not today' };
    expect(outcomeOf({ stdout: '{"ok": false, "message": "not today"}' })).toEqual(expected);
    expect(outcomeOf({ code: 1, stdout: '{"message": "not today"}' })).toEqual(expected);
  });

  it('failed with what hob can say of it when the message of its answer says nothing', () => {
    expect(outcomeOf({ code: 1, stdout: '{"message": ""}' })).toMatchObject({ message: 'it exited with code 1' });
    expect(outcomeOf({ stdout: '{"ok": false, "message": "\\n"}' })).toMatchObject({ message: 'it answered false' });
  });

  it('by a signal is a crash', () => {
    expect(outcomeOf({ code: null, signal: 'SIGSEGV' })).toMatchObject({ ok: false, reason: 'PluginCrashed' });
  });

  it.each([
    ['junk', 'hello world', /not JSON to stdout: "hello world"/],
    ['two answers', '{}{}', /not JSON/],
    ['a list', '[]', /must be a JSON object/],
    ['an unknown field', '{"envs": []}', /unknown field "envs"/],
    ['ok that is no boolean', '{"ok": "yes"}', /"ok" in its answer/],
    ['env without =', '{"env": ["PATH"]}', /not of the form NAME=value/],
    ['env that is no list', '{"env": {"A": "b"}}', /must be a list/],
    ['a mount without a source', '{"mounts": [{"destination": "/x"}]}', /has no source/],
    ['a mount on /', '{"mounts": [{"source": "/x", "destination": "//"}]}', /that is the rootfs/],
    ['a mount with ..', '{"mounts": [{"source": "/x", "destination": "/x/../y"}]}', /has "\.\."/],
    ['a mount on a relative path', '{"mounts": [{"source": "/x", "destination": "y"}]}', /not an absolute path/],
    [
      'a bind mount of nothing',
      '{"mounts": [{"source": "/not/there", "destination": "/x"}]}',
      /"\/not\/there", which is not there/,
    ],
    [
      'options that are no strings',
      '{"mounts": [{"source":"a","destination":"/b","options":[1]}]}',
      /a string was expected/,
    ],
  ])('with %s on stdout is a bad answer', (_, stdout, words) => {
    expect(outcomeOf({ stdout })).toMatchObject({
      ok: false,
      reason: 'BadAnswer',
      message: expect.stringMatching(words),
    });
  });

  it('with more output than allowed is a bad answer', () => {
    const stdout = 'x'.repeat(64 * 1024);
    expect(outcomeOf({ stdout, truncated: true })).toMatchObject({
      reason: 'BadAnswer',
      message: expect.stringContaining('64 KiB'),
    });
  });

  it('after postConstruction cannot add anything', () => {
    expect(outcomeOf({ stdout: '{"env": ["A=b"]}' }, 'preStart')).toMatchObject({
      reason: 'BadAnswer',
      message: 'only postConstruction can add env and mounts; preStart is too late',
    });
  });
});
