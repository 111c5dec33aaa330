import { closeSync, constants, openSync } from 'node:fs';
import type { LogRequest } from '../../keeper/protocol.ts';

/**
 * The logs that are to be attached, to whatever keeper there is. Their FIFOs are held open here as well, never read: what is in a FIFO is lost when
 * nobody has it open, and that would be so when a container ends while there is no keeper.
 */
export interface KeptLogs {
  keep(request: LogRequest): void;
  forget(key: string): void;
  forgetAll(): void;
  requests(): LogRequest[];
}

export function keptLogs(): KeptLogs {
  const logs = new Map<string, { readonly request: LogRequest; readonly fds: readonly number[] }>();

  function forget(key: string): void {
    logs.get(key)?.fds.forEach((fd) => closeSync(fd));
    logs.delete(key);
  }

  return {
    keep(request) {
      if (!logs.has(request.key))
        logs.set(request.key, { request, fds: request.streams.flatMap(({ fifo }) => hold(fifo)) });
    },
    forget,
    forgetAll: () => [...logs.keys()].forEach(forget),
    requests: () => [...logs.values()].map(({ request }) => request),
  };
}

/** A FIFO that cannot be opened is the keeper's to complain about. */
function hold(fifo: string): number[] {
  try {
    return [openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)];
  } catch {
    return [];
  }
}
