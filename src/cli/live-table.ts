import { stripVTControlCharacters } from 'node:util';
import { basename } from 'node:path';
import type { Container, SpecMistake } from '../api/container.ts';
import { key } from '../api/container.ts';
import { placeOf } from '../api/parse.ts';
import type { Screen, ScreenSource } from '../daemon/options.ts';
import { condition, containerColumns } from './container-columns.ts';
import type { Column } from './table.ts';
import { coloured, table } from './table.ts';

/** As much of a terminal as is needed. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

const shortestPauseMs = 200;
const tickMs = 1_000;
const mostLogLines = 12;

const escape = '\x1b[';
const clearRestOfLine = `${escape}K`;
const clearRestOfScreen = `${escape}J`;
const clearScreen = `${escape}2J${escape}H`;
/** A line that is too long is cut by the terminal, which knows best how wide its characters are. */
const wrapOff = `${escape}?7l`;
const wrapOn = `${escape}?7h`;

/**
 * A table of the containers at the bottom of a terminal, with the last lines of the log below, redrawn in its place when
 * something has changed, five times a second at most. What was on the terminal before stays above it.
 */
export function liveTable({ out, ...source }: ScreenSource & { readonly out: Terminal }): Screen {
  const log: string[] = [];
  let drawn: readonly string[] = [];
  let lastDrawn = 0;
  let pending: NodeJS.Timeout | undefined;
  let isClosed = false;

  const draw = (): void => {
    pending = undefined;
    lastDrawn = Date.now();
    const lines = screenLines(source, log, out);
    if (lines.join('\n') === drawn.join('\n')) return;
    const up = drawn.length === 0 ? '' : `${escape}${drawn.length}A`;
    out.write(
      `${wrapOff}${up}\r${lines.map((line) => `${line}${clearRestOfLine}\n`).join('')}${clearRestOfScreen}${wrapOn}`,
    );
    drawn = lines;
  };
  const changed = (): void => {
    pending ??= setTimeout(draw, Math.max(0, lastDrawn + shortestPauseMs - Date.now()));
  };
  const resized = (): void => {
    // The terminal has wrapped and moved the lines, nobody knows where to.
    out.write(clearScreen);
    drawn = [];
    changed();
  };

  const tick = setInterval(changed, tickMs);
  const unsubscribe = source.onChange(changed);
  out.on('resize', resized);
  changed();

  return {
    log: (line) => {
      if (isClosed) return void out.write(`${line}\n`);
      log.push(...line.split('\n'));
      log.splice(0, log.length - mostLogLines);
      changed();
    },
    close: () => {
      isClosed = true;
      clearInterval(tick);
      clearTimeout(pending);
      unsubscribe();
      out.off('resize', resized);
      draw();
    },
  };
}

/** What fits on the screen: a title, the table, and the end of the log. */
function screenLines(source: Omit<ScreenSource, 'onChange'>, log: readonly string[], { rows }: Terminal): string[] {
  const containers = source.containers();
  // The cursor stands on the line below.
  const room = Math.max(4, rows - 1);
  const forLog = Math.min(log.length, mostLogLines, Math.max(1, Math.floor(room / 3)));
  const shown = mostTelling(containers, room - forLog - 5);
  const hidden = containers.length - shown.length;
  return [
    coloured('bold', title(containers.length)),
    ...table(columnsFor(source), shown),
    ...(hidden > 0 ? [`... and ${hidden} more: hob get`] : []),
    ...mistakeLine(source.mistakes()).map((line) => coloured('yellow', line)),
    '',
    ...log.slice(-forLog).map((line) => coloured('dim', oneLine(line))),
  ].slice(0, room);
}

function title(count: number): string {
  return `hob keeps ${count} container${count === 1 ? '' : 's'}. Ctrl-C ends hob and leaves them running; \`hob down\` stops them, too.`;
}

/** The first one, with its file's own name: there is little room. */
function mistakeLine(mistakes: readonly SpecMistake[]): string[] {
  const [first] = mistakes;
  if (!first) return [];
  const place = placeOf({ ...first, origin: basename(first.origin) });
  const more = mistakes.length > 1 ? ` (${mistakes.length} mistakes: hob sources)` : '';
  return [`not started or changed: ${place}: ${oneLine(first.message)}${more}`];
}

function columnsFor({ lastEvent }: Pick<ScreenSource, 'lastEvent'>): Column<Container>[] {
  const name: Column<Container> = {
    title: 'NAME',
    cell: ({ metadata }) => (metadata.namespace === 'default' ? metadata.name : key(metadata)),
  };
  const others = containerColumns({ namespaces: false, wide: false }).filter((column) => column.title !== 'NAME');
  const event = ({ metadata }: Container): string => oneLine(lastEvent(metadata.namespace, metadata.name) ?? '');
  return [name, ...others, { title: 'LAST EVENT', cell: event }];
}

/** By name; where there is no room for all, those that are not as they should be come first. */
function mostTelling(containers: readonly Container[], room: number): Container[] {
  const byName = containers.toSorted((one, other) => (key(one.metadata) < key(other.metadata) ? -1 : 1));
  if (byName.length <= room) return byName;
  const isReady = (container: Container): boolean => condition(container, 'Ready')?.status === 'True';
  const troubledFirst = [...byName.filter((each) => !isReady(each)), ...byName.filter(isReady)];
  return troubledFirst.slice(0, Math.max(0, room));
}

/** Messages may come from plugins and programs: nothing in them may move the cursor. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
