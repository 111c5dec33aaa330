/**
 * What plugins and their tests can import from hob, by these names, wherever they lie on the host. The names hold in the thread that
 * imports this file, for all that is imported after it.
 */

import { registerHooks } from 'node:module';

const offered = new Map(
  ['plugin', 'hint-flags', 'data', 'testing'].map((name) => [
    `hob/${name}`,
    new URL(`${name}.ts`, import.meta.url).href,
  ]),
);

registerHooks({
  resolve(specifier, context, next) {
    const url = offered.get(specifier);
    if (url === undefined && /^hob(?:\/|$)/.test(specifier))
      throw new Error(`hob offers no "${specifier}"; there are ${[...offered.keys()].join(', ')}`);
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
  },
});
