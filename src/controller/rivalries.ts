import type { Claim, Wanted } from './desired-store.ts';

/** Who claims a name that another has, and whether they were told. */
export interface Rivalries {
  /** Whoever claims the name in vain is told so, once, and not while a file is merely being renamed. */
  look(key: string, wanted: Wanted): void;
  forget(key: string): void;
}

export interface RivalryOptions {
  readonly tell: (rival: Claim, owner: Claim, key: string) => void;
  /** Have the key looked at again. */
  readonly later: (key: string, ms: number) => void;
}

const patienceMs = 1_000;

export function createRivalries({ tell, later }: RivalryOptions): Rivalries {
  const rivalries = new Map<string, { claims: string; since: number; told: boolean }>();

  function look(key: string, { rivals, claim }: Wanted): void {
    if (rivals.length === 0) return void rivalries.delete(key);
    const claims = JSON.stringify([claim, rivals]);
    const known = rivalries.get(key);
    const rivalry = known?.claims === claims ? known : { claims, since: performance.now(), told: false };
    rivalries.set(key, rivalry);
    if (rivalry.told) return;
    const left = rivalry.since + patienceMs - performance.now();
    if (left > 0) return later(key, left);
    rivalry.told = true;
    for (const rival of rivals) tell(rival, claim, key);
  }

  return { look, forget: (key) => void rivalries.delete(key) };
}
