import { startsOf } from '../starts.ts';
import type { StartLine } from '../starts.ts';
import { countFault, isAlive } from './expected.ts';
import type { Expected } from './expected.ts';
import { initsOf } from './sight.ts';
import type { Sight } from './sight.ts';

/** Each container was started as often as it should have been, and what ran undisturbed is the same process still. */
export function startFaults(sight: Sight): string[] {
  const lines = startsOf(sight.world);
  return [
    ...sight.expected.flatMap((container) => {
      const own = lines.filter(({ name }) => name === container.name);
      const counted = countFault(`${container.name}: starts`, own.length, container.starts);
      return [...counted, ...initFaults(sight, container), ...lastStartFaults(sight, container, own.at(-1))];
    }),
    ...startedTwice(lines),
  ];
}

function initFaults(sight: Sight, { name, init }: Expected): string[] {
  const [running] = initsOf(sight, name);
  if (!init || !running || (running.pid === init.pid && running.startTime === init.startTime)) return [];
  const words = (one: { pid: number; startTime: number }): string => `pid ${one.pid}, started at tick ${one.startTime}`;
  return [`${name}: was to run on undisturbed (${words(init)}), and is another process now: ${words(running)}`];
}

/** What runs is what was counted. */
function lastStartFaults(sight: Sight, container: Expected, last: StartLine | undefined): string[] {
  const { name, marker } = container;
  const [running] = initsOf(sight, name);
  if (!isAlive(container) || !running) return [];
  if (last?.startTime !== running.startTime)
    return [
      `${name}: init ${running.pid} (tick ${running.startTime}) is not the last that started: ${last?.text ?? 'none'}`,
    ];
  const isRight = marker === undefined || last.marker === marker;
  return isRight ? [] : [`${name}: the last start was of another spec than ${marker}: ${last.text}`];
}

/** An instance is one life. */
function startedTwice(lines: readonly StartLine[]): string[] {
  const seen = new Set<string>();
  return lines.flatMap(({ name, instanceID, text }) => {
    if (instanceID === undefined) return [];
    const isAgain = seen.has(`${name} ${instanceID}`);
    seen.add(`${name} ${instanceID}`);
    return isAgain ? [`${name}: its command was started twice in one instance: ${text}`] : [];
  });
}
