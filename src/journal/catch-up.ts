import type { ContainerRow, ContainerTable } from './containers.ts';
import type { Copies } from './copies.ts';

export interface CaughtUp {
  /** How many containers were put into the journal anew, without those that are gone. */
  readonly restored: number;
  /** The highest revision of all. */
  readonly revision: number;
}

/**
 * Bring the journal up to date from the copies, where it is lost, damaged or behind them; and make the copies that are not there, because the
 * host was restarted or the state directory has moved. To be called in a transaction.
 */
export function catchUp(
  containers: ContainerTable,
  setFact: (name: string, value: string) => void,
  copies: Copies,
): CaughtUp {
  const rows = new Map(containers.rows().map((row) => [row.id, row]));
  const copied = copies.containers();
  const restored = copied.filter((copy) => holds(copy, rows.get(copy.id)));
  restored.forEach(containers.save);
  // Every fact is written to both, to the copies last.
  for (const [name, value] of Object.entries(copies.facts())) setFact(name, value);
  const hasCopy = new Set(copied.map(({ id }) => id));
  for (const row of rows.values()) if (!hasCopy.has(row.id)) copies.save(row);
  const revision = Math.max(0, ...[...rows.values(), ...copied].map((row) => row.revision));
  return { restored: restored.filter((row) => !isOver(row)).length, revision };
}

/** Of one revision both should be the same; where they are not, memory is to be believed and a disk is not. */
function holds(copy: ContainerRow, row: ContainerRow | undefined): boolean {
  if (!row) return true;
  if (copy.revision !== row.revision) return copy.revision > row.revision;
  return copy.state !== row.state || copy.uid !== row.uid || copy.context !== row.context;
}

/** Nothing of it is on the host; what is left to do of its end can be done twice. */
const isOver = ({ state }: ContainerRow): boolean => state === 'gone';
