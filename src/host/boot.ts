import { readFileSync } from 'node:fs';

let thisBoot: string | undefined;

/** The host's boot id: another one means that the host was restarted, and every process of before is gone. */
export function bootID(): string {
  return (thisBoot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim());
}
