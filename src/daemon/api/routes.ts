import { apiRoot } from '../../api/wire.ts';
import { readBody, sendJson } from './answers.ts';
import { ApiError, badRequest } from './backend.ts';
import type { Call, Handler } from './call.ts';
import { flag } from './call.ts';
import { containerLog, deleteContainer, execInContainer, getContainer, listContainers } from './containers.ts';
import { listPlugins, pluginsNamed } from './plugins.ts';
import { sendWatch } from './watch.ts';
import { eventObject } from './event-object.ts';

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly handler: Handler;
}

const one = '/namespaces/:namespace/containers/:name';

const routes: readonly Route[] = [
  route('GET', '/containers', listContainers),
  route('GET', '/namespaces/:namespace/containers', listContainers),
  route('GET', one, getContainer),
  route('DELETE', one, deleteContainer),
  route('GET', `${one}/log`, containerLog),
  route('POST', `${one}/exec`, execInContainer),
  route('GET', '/events', listEvents),
  route('GET', '/namespaces/:namespace/events', listEvents),
  route('POST', '/apply', apply),
  route('GET', '/plugins', listPlugins),
  route('GET', '/plugins/:name', pluginsNamed),
  route('GET', '/sources', ({ response, backend }) =>
    sendJson(response, { kind: 'SourceList', items: backend.sources() }),
  ),
  route('GET', '/info', ({ response, backend }) => sendJson(response, backend.info())),
  route('POST', '/down', down),
];

/** `:name` stands for one part of the path. */
function route(method: string, pattern: string, handler: Handler): Route {
  return { method, path: new RegExp(`^${apiRoot}${pattern.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}/?$`), handler };
}

/** Who answers a request, and the named parts of its path. @throws ApiError when nobody does */
export function findRoute(method: string, path: string): Pick<Call, 'params'> & { readonly handler: Handler } {
  const matches = routes.flatMap((candidate) => {
    const match = candidate.path.exec(path);
    return match ? [{ candidate, params: decodeParts(match.groups ?? {}) }] : [];
  });
  const found = matches.find(({ candidate }) => candidate.method === method);
  if (found) return { handler: found.candidate.handler, params: found.params };
  if (matches.length > 0) throw new ApiError(405, 'MethodNotAllowed', `${method} is not possible on ${path}`);
  throw new ApiError(404, 'NotFound', `there is nothing at ${path}; the API is at ${apiRoot}`);
}

function decodeParts(parts: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, decodeURIComponent(part)]));
  } catch {
    throw badRequest('the path has a % that is no escape');
  }
}

/** `GET .../events`, of a namespace or all; `name` chooses, `watch` goes on with what happens. */
function listEvents(call: Call): void {
  const { namespace } = call.params;
  const name = call.query.get('name') ?? undefined;
  const filter = { ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
  const items = call.backend.events(filter).map(eventObject);
  if (!flag(call, 'watch')) return sendJson(call.response, { apiVersion: 'v1', kind: 'EventList', items });
  sendWatch(call.response, call.signal, {
    initial: items,
    subscribe: (listener) =>
      call.backend.watchEvents((event) => {
        const { regarding, count } = event;
        const isChosen = (!namespace || regarding.namespace === namespace) && (!name || regarding.name === name);
        if (isChosen) listener({ type: count === 1 ? 'ADDED' : 'MODIFIED', object: eventObject(event) });
      }),
  });
}

/** `POST .../apply?origin=FILE`, the body being the file. */
async function apply({ request, response, backend, query }: Call): Promise<void> {
  const text = await readBody(request);
  sendJson(response, { kind: 'ApplyResultList', items: await backend.apply(text, query.get('origin') ?? '-') });
}

/** `POST .../down`: the progress, a line of JSON each. The teardown goes on when the asker has gone. */
async function down({ response, backend }: Call): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  for await (const progress of backend.down()) response.write(`${JSON.stringify(progress)}\n`);
  response.end();
}
