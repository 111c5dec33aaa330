import { nearest } from '../../api/nearest.ts';
import { sendJson } from './answers.ts';
import { ApiError } from './backend.ts';
import type { Call } from './call.ts';

export function listPlugins({ response, backend }: Call): void {
  sendJson(response, { kind: 'PluginList', items: backend.plugins() });
}

/** `GET /plugins/NAME`: a list, as several files may claim the name. */
export function pluginsNamed({ response, backend, params: { name = '' } }: Call): void {
  const plugins = backend.plugins();
  const items = plugins.filter((plugin) => plugin.name === name);
  if (items.length > 0) return sendJson(response, { kind: 'PluginList', items });
  const meant = nearest(
    name,
    plugins.map((plugin) => plugin.name),
  );
  const why = meant === undefined ? `: ${backend.whyNoPlugin(name)}` : ` (did you mean ${meant}?)`;
  throw new ApiError(404, 'NotFound', `there is no plugin "${name}"${why}`);
}
