/**
 * Every effect of a hob goes through its gate, by name, before and after. At a chosen one the hob is dead, as after kill -9: nothing of it
 * reaches the host or the journal any more.
 */
export interface Gate {
  /** @throws Dead */
  pass(name: string): void;
  /** Never settles for a dead one. */
  cross(name: string): Promise<void>;
  isDead(): boolean;
  /** So many gates from now. */
  dieAfter(gates: number): void;
  die(): void;
}

class Dead extends Error {}

const never = new Promise<never>(() => undefined);

/** @param onDeath told where */
export function createGate(onDeath: (name: string) => void): Gate {
  let dead = false;
  let left = Infinity;

  function pass(name: string): void {
    if (!dead && left === 0) {
      dead = true;
      onDeath(name);
    }
    if (dead) throw new Dead(`died at ${name}`);
    left -= 1;
  }

  return {
    pass,
    async cross(name) {
      try {
        pass(name);
      } catch {
        await never;
      }
    },
    isDead: () => dead,
    dieAfter: (gates) => {
      left = gates;
    },
    die: () => {
      dead = true;
    },
  };
}

/** An effect that takes time. */
export async function through<T>(gate: Gate, name: string, act: () => Promise<T>): Promise<T> {
  await gate.cross(`before ${name}`);
  try {
    return await act();
  } finally {
    await gate.cross(`after ${name}`);
  }
}

/** An effect that is over when it returns. */
export function at<T>(gate: Gate, name: string, act: () => T): T {
  gate.pass(`before ${name}`);
  const done = act();
  gate.pass(`after ${name}`);
  return done;
}
