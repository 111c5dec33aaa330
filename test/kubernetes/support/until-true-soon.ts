import { setTimeout as delay } from 'node:timers/promises';

const patienceMs = 40_000;

/** Look again until it is so. A look that fails, at a server that is away say, is one in vain. @param context for the error */
export async function untilTrueSoon(
  what: string,
  holds: () => Promise<boolean>,
  context = (): string => '',
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (let failure = ''; ;) {
    const isSo = await holds().catch((error: unknown) => ((failure = String(error)), false));
    if (isSo) return;
    if (Date.now() > deadline)
      throw new Error(`waited ${patienceMs / 1000} s in vain until ${what}\n${failure}\n${context()}`);
    await delay(50);
  }
}
