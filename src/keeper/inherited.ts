import { closeSync, readdirSync, readFileSync } from 'node:fs';

const O_CLOEXEC = 0o2000000;

/**
 * Close descriptors that were handed down by mistake by whoever started hob: the keeper lives long, and would keep their files, pipes and mounts
 * in use as long. Node's own are all close-on-exec, so an open descriptor without that came from outside.
 */
export function closeInheritedDescriptors(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    if (Number(name) > 2 && !isCloseOnExec(name)) closeSync(Number(name));
  }
}

function isCloseOnExec(fd: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    return (Number.parseInt(flags ?? '0', 8) & O_CLOEXEC) !== 0;
  } catch {
    // It was the one that the directory was read with.
    return true;
  }
}
