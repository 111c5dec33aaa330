import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Container } from '../../src/api/container.ts';
import { liveTable } from '../../src/cli/live-table.ts';
import type { Screen } from '../../src/daemon/options.ts';
import { container, running } from '../fixtures/fake-backend.ts';
import type { FakeTerminal } from '../fixtures/fake-terminal.ts';
import { fakeTerminal } from '../fixtures/fake-terminal.ts';

let terminal: FakeTerminal;
let screen: Screen;
let containers: Container[];
let change: () => void;
let isWatched: boolean;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-23T19:00:00Z') });
  open(80, 24);
});

afterEach(() => {
  screen.close();
  vi.useRealTimers();
});

function open(columns: number, rows: number): void {
  terminal = fakeTerminal(columns, rows);
  containers = [container('web', running)];
  screen = liveTable({
    out: terminal,
    containers: () => containers,
    mistakes: () => [],
    lastEvent: (_, name) => `Started: ${name} has pid 42`,
    onChange: (listener) => {
      change = listener;
      isWatched = true;
      return () => (isWatched = false);
    },
  });
}

const settle = (): void => void vi.advanceTimersByTime(250);
const row = (name: string): string | undefined => terminal.lines().find((line) => line.startsWith(`${name} `));

describe('the live table', () => {
  it('shows the containers, and the last lines of the log below them', () => {
    screen.log('19:00:00 first');
    screen.log('19:00:01 second');
    settle();
    expect(terminal.lines()[0]).toMatch(/^hob keeps 1 container\. Ctrl-C .*hob down/);
    expect(terminal.lines()[1]).toMatch(/^NAME +PHASE +READY +RESTARTS +AGE +LAST EVENT$/);
    expect(row('web')).toMatch(/^web +Running +True +0 +0s +Started: web has pid 42$/);
    expect(terminal.lines().slice(3)).toEqual(['', '19:00:00 first', '19:00:01 second', '']);
  });

  it('is redrawn in its place, and leaves nothing behind when it shrinks', () => {
    containers = ['a', 'b', 'c', 'd'].map((name) => container(name, running));
    change();
    settle();
    containers = [container('b', { phase: 'Failed' })];
    change();
    settle();
    expect(terminal.lines().filter((line) => line.startsWith('hob keeps'))).toHaveLength(1);
    expect(row('b')).toContain('Failed');
    for (const name of ['a', 'c', 'd']) expect(row(name)).toBeUndefined();
  });

  it('is drawn five times a second at most, and not at all when nothing is new', () => {
    for (let n = 0; n < 100; n++) {
      change();
      screen.log(`line ${n}`);
      vi.advanceTimersByTime(10);
    }
    expect(terminal.writes()).toBeLessThanOrEqual(6);
    containers = [];
    change();
    settle();
    const { writes } = terminal;
    const before = writes();
    vi.advanceTimersByTime(10_000);
    change();
    settle();
    expect(writes()).toBe(before);
  });

  it('lets ages tick by themselves', () => {
    settle();
    vi.advanceTimersByTime(5_000);
    expect(row('web')).toMatch(/ 5s +Started/);
  });

  it('stays within the screen; where there is no room, what is not well comes first', () => {
    screen.close();
    open(40, 12);
    containers = Array.from({ length: 50 }, (_, n) => container(`c${n}`, n === 49 ? { phase: 'Failed' } : running));
    for (let n = 0; n < 30; n++) screen.log(`line ${n}`);
    change();
    settle();
    const lines = terminal.lines();
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines[2]).toMatch(/^c49 +Failed/);
    expect(lines.some((line) => /^\.\.\. and 4\d more/.test(line))).toBe(true);
    expect(lines.at(-2)).toBe('line 29');
  });

  it('starts afresh when the size of the terminal changes', () => {
    settle();
    terminal.columns = 30;
    terminal.emitter.emit('resize');
    settle();
    expect(terminal.lines()[0]).toMatch(/^hob keeps/);
    expect(row('web')).toBeDefined();
  });

  it('lets no text move the cursor', () => {
    screen.log('\x1b[2J\x1b[Hgot\x07 you\r');
    settle();
    expect(terminal.lines()).toContain('got  you');
  });

  it('stays as it was when it is closed, and what comes later stands below', () => {
    screen.log('the last');
    screen.close();
    expect(terminal.lines()).toContain('the last');
    expect(isWatched).toBe(false);
    expect(terminal.emitter.listenerCount('resize')).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    screen.log('afterwards');
    expect(terminal.lines().at(-2)).toBe('afterwards');
  });
});
