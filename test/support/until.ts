import { setTimeout as delay } from 'node:timers/promises';

const lookAgainMs = 10;
const mostLooks = 6000;

/** Look again until it is so, a minute at most. @param instead what is the case instead, for the error */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  instead = (): string => '',
): Promise<void> {
  for (let looks = 0; !(await holds()); looks += 1) {
    if (looks === mostLooks) throw new Error(`it never came to this: ${what} ${instead()}`);
    await delay(lookAgainMs);
  }
}
