import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = `${join(import.meta.dirname, '../../..')}/`;

/**
 * The place in hob's code that called into Node: `src/runtime/verdict.ts:31`. Undefined when the call came from a library (the log, the
 * watches) or from no code of hob's at all.
 */
export function callSite(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 30;
  const stack = new Error().stack ?? '';
  Error.stackTraceLimit = stackTraceLimit;
  for (const line of stack.split('\n').slice(1)) {
    const place = /\(?((?:file:|\/)[^()]*):(\d+):\d+\)?$/.exec(line);
    const [, url = '', row = ''] = place ?? [];
    if (!place || url.includes('/test/walk/boundary/')) continue;
    const path = url.startsWith('file:') ? fileURLToPath(url) : url;
    return path.startsWith(`${root}src/`) ? `${path.slice(root.length)}:${row}` : undefined;
  }
  return undefined;
}
