import { lineLog, perWorld } from './line-log.ts';
import type { Places } from './world.ts';

/** One line that a container wrote when its command began to run. */
export interface StartLine {
  readonly text: string;
  readonly name: string;
  /** Of the spec that it was started with. */
  readonly marker: string;
  /** Undefined where no plugin told it. */
  readonly instanceID?: string;
  /** Of its init, in clock ticks since boot. */
  readonly startTime: number;
}

/** What the containers of a world said so far. @throws Error when a line is none of theirs */
export const startsOf = perWorld(({ starts }: Places) => lineLog(starts, parse));

function parse(text: string): StartLine {
  const [, name, marker, instanceID, startTime] = /^started (\S+) (\S+) (\S+) (\d+)$/.exec(text) ?? [];
  if (name === undefined || marker === undefined) throw new Error(`no line of a container: ${text}`);
  return {
    text,
    name,
    marker,
    startTime: Number(startTime),
    ...(instanceID !== undefined && instanceID !== '-' && { instanceID }),
  };
}
