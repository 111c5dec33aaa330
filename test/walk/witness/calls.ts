import { hookPoints } from '../../../src/hooks/plugin.ts';
import type { HookPoint } from '../../../src/hooks/plugin.ts';
import { lineLog, perWorld } from '../line-log.ts';
import type { Places } from '../world.ts';

/** One line that a plugin wrote of one of its calls. */
export interface CallLine {
  readonly text: string;
  readonly plugin: string;
  readonly point: HookPoint;
  /** hang: it will never end by itself. */
  readonly what: 'begin' | 'hang' | 'end';
  readonly id: string;
  readonly instanceID: string;
  readonly attempt: number;
}

/** What the plugins of a world said so far, in the order in which they said it. @throws Error when a line is none of theirs */
export const callsOf = perWorld(({ calls }: Places) => lineLog(calls, parse));

const form = /^[\d.]+ (\S+) (\S+) (begin|hang|end) (\S+) (\S+) (\d+) (?:\d+|-)$/;

function parse(text: string): CallLine {
  const [, plugin = '', name, what, id = '', instanceID = '', attempt] = form.exec(text) ?? [];
  const point = hookPoints.find((known) => known === name);
  if (!point || (what !== 'begin' && what !== 'hang' && what !== 'end'))
    throw new Error(`no line of a plugin: ${text}`);
  return { text, plugin, point, what, id, instanceID, attempt: Number(attempt) };
}
