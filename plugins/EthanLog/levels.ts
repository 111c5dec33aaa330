/** The levels that records have: Dobby's name and digit, and the syslog priority that journald knows it by. */
const table = [
  { name: 'fatal', digit: 1, priority: 2 },
  { name: 'error', digit: 2, priority: 3 },
  { name: 'warning', digit: 3, priority: 4 },
  { name: 'info', digit: 4, priority: 6 },
  { name: 'debug', digit: 5, priority: 7 },
  { name: 'milestone', digit: 6, priority: 5 },
] as const;

export type Level = (typeof table)[number];
export type LevelName = Level['name'];

export const levelNames: readonly LevelName[] = table.map(({ name }) => name);

/** The level of a digit from "1" to "6"; undefined for anything else. */
export function levelOfDigit(digit: string): Level | undefined {
  return table.find((level) => String(level.digit) === digit);
}

/** The level of a name, in capitals or not; undefined when there is none. */
export function levelNamed(name: string): Level | undefined {
  return table.find((level) => level.name === name.toLowerCase());
}
