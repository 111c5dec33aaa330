import { hookPoints } from '../../../src/hooks/plugin.ts';
import type { HookPoint } from '../../../src/hooks/plugin.ts';
import type { CallLine } from '../witness/calls.ts';
import type { World } from '../world.ts';
import { hadInit, livesIn, overIn, takesPart } from './hook-lives.ts';
import type { Life } from './hook-lives.ts';
import type { Sight } from './sight.ts';

/**
 * Hooks come in their order, those that undo come in the end whatever lies between, and a hook is called again only where a death may have
 * cut it off, and is told so.
 */
export function hookFaults(sight: Sight): string[] {
  const lives = livesIn(sight);
  const isOver = overIn(sight, lives);
  return lives.flatMap((life) => lifeFaults(sight, life, isOver(life)));
}

/** Of one that was over and well, only something new can be wrong: a world may have seen thousands. */
function lifeFaults({ world }: Sight, life: Life, isOver: boolean): string[] {
  const { lines } = life;
  if (isOver && life.cleanAt === lines.length) return [];
  const faults = [
    ...orderFaults(lines),
    ...[...Map.groupBy(lines, ({ plugin }) => plugin).values()].flatMap((own) => [
      ...afterTheEnd(own),
      ...(isOver ? owedCalls(world, life, own) : []),
      ...[...Map.groupBy(own, ({ point }) => point).values()].flatMap((calls) =>
        repeatFaults(calls, world.deaths - life.deathsBefore),
      ),
    ]),
  ];
  life.cleanAt = isOver && faults.length === 0 ? lines.length : 0;
  return faults;
}

const rank = (point: HookPoint): number => hookPoints.indexOf(point);
const about = ({ id, instanceID, plugin, point }: CallLine): string => `${id}: ${plugin}, ${point} of ${instanceID}`;

/** Once a point has begun, nothing of an earlier one begins, nor ends. */
function orderFaults(lines: readonly CallLine[]): string[] {
  const faults: string[] = [];
  let furthest = lines[0];
  for (const line of lines) {
    if (furthest && rank(line.point) < rank(furthest.point))
      faults.push(`${about(line)} comes after ${furthest.point}: "${line.text}" after "${furthest.text}"`);
    else furthest = line;
  }
  return faults;
}

/** It may be called again when hob died before it had noted the end; no other point may. */
function afterTheEnd(lines: readonly CallLine[]): string[] {
  const end = lines.findIndex(({ point, what }) => point === 'preDestruction' && what === 'end');
  const late = end < 0 ? [] : lines.slice(end + 1).filter(({ point }) => point !== 'preDestruction');
  return late.map((line) => `${about(line)} comes after its preDestruction ended: "${line.text}"`);
}

/**
 * What is to be called once an instance is over, and come to its end.
 * @param lines of one plugin
 */
function owedCalls(world: World, life: Life, lines: readonly CallLine[]): string[] {
  const begins = lines.filter(({ what }) => what === 'begin');
  const wasConstructed = begins.some(({ point }) => point === 'postConstruction');
  const plugin = lines[0]?.plugin ?? '';
  const owed = [
    ...(hadInit(world, life) ? (['postStop'] as const) : []),
    ...(wasConstructed ? (['preDestruction'] as const) : []),
  ];
  return owed
    .filter((point) => takesPart(world, plugin, point))
    .flatMap((point) => {
      const begin = begins.findLast((line) => line.point === point);
      if (!begin) return [`${life.id}: ${plugin}, ${point} of ${life.instanceID} is owed, and was not called`];
      return hasEnded(begin, lines)
        ? []
        : [`${about(begin)} was begun, and neither ended nor was called again: "${begin.text}"`];
    });
}

/** Or hangs, as it was told to, until hob cuts it off. */
const hasEnded = (begin: CallLine, lines: readonly CallLine[]): boolean =>
  lines.some(({ point, what, attempt }) => point === begin.point && what !== 'begin' && attempt === begin.attempt);

/** @param lines of one plugin at one point of one instance */
function repeatFaults(lines: readonly CallLine[], deaths: number): string[] {
  const faults: string[] = [];
  let last: CallLine | undefined;
  for (const line of lines) {
    if (line.what === 'begin') {
      faults.push(...attemptFaults(line, last, deaths));
      last = line;
    } else if (line.attempt !== last?.attempt)
      faults.push(`${about(line)} runs beside another call: "${line.text}" after "${last?.text ?? 'nothing'}"`);
  }
  return faults;
}

/** A call may have been noted and not made, so that the first that a plugin hears of may be its second; but for each there was a death. */
function attemptFaults(line: CallLine, last: CallLine | undefined, deaths: number): string[] {
  const { attempt, text } = line;
  if (last && attempt <= last.attempt)
    return [`${about(line)} is called again, and not told so: "${text}" after "${last.text}"`];
  if (attempt > 1 + deaths) return [`${about(line)} has attempt ${attempt} after ${deaths} deaths: "${text}"`];
  return [];
}
