/**
 * Refuses to load what others than root and the user hob runs as could change: whatever a plugin imports or requires, from wherever,
 * is as good as root. Holds in the thread that imports this file, for all that is imported after it.
 */

import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { assertTrustedPath } from '../../host/trust.ts';

const ownSource = new URL('../../', import.meta.url).href;
/** Modules are asked for again and again, by each that imports them. */
const trusted = new Set<string>();

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    if (isForeignFile(resolved.url)) assertTrusted(resolved.url);
    return resolved;
  },
});

/** That hob's own files are trusted was decided when hob was started. */
const isForeignFile = (url: string): boolean => url.startsWith('file:') && !url.startsWith(ownSource);

function assertTrusted(url: string): void {
  if (trusted.has(url)) return;
  const path = fileURLToPath(url);
  const fault = assertTrustedPath(path);
  if (fault !== undefined) throw new Error(`it may not import ${path}: ${fault}`);
  trusted.add(url);
}
