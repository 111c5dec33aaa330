import type { Container } from '../../api/container.ts';
import { key } from '../../api/container.ts';
import { apiVersion } from '../../api/schema.ts';
import type { ContainerChange } from '../../api/wire.ts';
import { readBody, sendJson } from './answers.ts';
import type { ApiBackend } from './backend.ts';
import { badRequest, containerNotFound } from './backend.ts';
import type { Call } from './call.ts';
import { count, flag } from './call.ts';
import { sendLog } from './log.ts';
import { sendWatch } from './watch.ts';
import { parseExecRequest } from './exec-request.ts';
import { parseLabelSelector } from './label-selector.ts';

/** `GET .../containers`: those of a namespace, or all; `labelSelector` chooses, `watch` goes on with the changes. */
export function listContainers(call: Call): void {
  const { namespace } = call.params;
  const selector = call.query.get('labelSelector');
  const hasLabels = selector === null || selector === '' ? () => true : parseLabelSelector(selector);
  const isChosen = ({ metadata }: Container): boolean =>
    (namespace === undefined || metadata.namespace === namespace) && hasLabels(metadata.labels ?? {});
  if (flag(call, 'watch')) watchContainers(call, isChosen);
  else sendJson(call.response, listOf(call.backend.list(namespace).filter(isChosen)));
}

/** `GET .../containers/NAME`; with `watch` the container need not be there yet. */
export function getContainer(call: Call): void {
  if (!flag(call, 'watch')) return sendJson(call.response, existing(call));
  const { namespace, name } = named(call);
  watchContainers(call, ({ metadata }) => metadata.namespace === namespace && metadata.name === name);
}

/** `DELETE .../containers/NAME`: answered when nobody wants the container any more; its teardown goes on. */
export async function deleteContainer(call: Call): Promise<void> {
  const { namespace, name } = named(call);
  const container = existing(call);
  await call.backend.remove(namespace, name);
  sendJson(call.response, container);
}

/** `GET .../containers/NAME/log`: its output as text; with `plugin`, the records that this plugin keeps of it. */
export async function containerLog(call: Call): Promise<void> {
  const { metadata, status } = existing(call);
  if (!status?.instanceID) throw badRequest(notStarted(metadata.name, status?.phase));
  const tail = count(call, 'tail');
  const plugin = call.query.get('plugin');
  await sendLog(call.response, call.signal, call.backend, {
    ...named(call),
    follow: flag(call, 'follow'),
    previous: flag(call, 'previous'),
    timestamps: flag(call, 'timestamps'),
    ...(tail === undefined ? {} : { tail }),
    ...(plugin === null ? {} : { plugin }),
  });
}

/** `POST .../containers/NAME/exec`: the command line that runs a command in the container. */
export async function execInContainer(call: Call): Promise<void> {
  const { namespace, name } = named(call);
  const request = parseExecRequest(await readBody(call.request));
  existing(call);
  sendJson(call.response, await call.backend.execCommand(namespace, name, request));
}

function notStarted(name: string, phase = 'Pending'): string {
  return `container "${name}" has not been started yet and has no log: its phase is ${phase}`;
}

function named({ params }: Call): { namespace: string; name: string } {
  return { namespace: params['namespace'] ?? '', name: params['name'] ?? '' };
}

function existing(call: Call): Container {
  const { namespace, name } = named(call);
  const container = call.backend.get(namespace, name);
  if (!container) throw containerNotFound(name);
  return container;
}

function listOf(items: readonly Container[]) {
  return { apiVersion, kind: 'ContainerList', items };
}

function watchContainers({ response, signal, backend }: Call, isChosen: (container: Container) => boolean): void {
  const initial = backend.list().filter(isChosen);
  sendWatch(response, signal, {
    initial,
    subscribe: (listener) => watchChosen(backend, isChosen, initial, listener),
  });
}

/** To who watches some of the containers, one whose labels change comes and goes like any other. */
function watchChosen(
  backend: ApiBackend,
  isChosen: (container: Container) => boolean,
  initial: readonly Container[],
  listener: (change: ContainerChange) => void,
): () => void {
  const known = new Set(initial.map(({ metadata }) => key(metadata)));
  return backend.watch(({ type, object }) => {
    const id = key(object.metadata);
    const wasKnown = known.delete(id);
    if (type !== 'DELETED' && isChosen(object)) {
      known.add(id);
      listener({ type: wasKnown ? 'MODIFIED' : 'ADDED', object });
    } else if (wasKnown) {
      listener({ type: 'DELETED', object });
    }
  });
}
