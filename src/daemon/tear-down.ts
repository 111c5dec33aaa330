import { setTimeout as delay } from 'node:timers/promises';
import type { DownProgress } from '../api/wire.ts';
import type { Controller } from '../controller/controller.ts';
import type { DesiredStore } from '../controller/desired-store.ts';
import type { KubernetesSource } from '../sources/kubernetes.ts';

/** An API server hears that they are gone; one that cannot be reached is not waited for. */
const letGoMs = 10_000;

/**
 * Tear down every container, whatever any source says, and tell of each that is gone.
 * @param cluster whose Containers are to be let go of
 */
export async function* tearDown(
  controller: Controller,
  store: DesiredStore,
  cluster?: Pick<KubernetesSource, 'letGo'>,
): AsyncGenerator<DownProgress> {
  const gone: string[] = [];
  let news = Promise.withResolvers<void>();
  const unwatch = controller.watch(({ type, object }) => {
    if (type !== 'DELETED') return;
    gone.push(`${object.metadata.namespace}/${object.metadata.name} is gone`);
    news.resolve();
  });
  yield { message: `tears down ${controller.list().length} containers` };
  store.abandon();
  const left = cluster?.letGo().then(() => true);
  controller.enqueueAll();
  while (controller.list().length > 0) {
    await news.promise;
    news = Promise.withResolvers<void>();
    for (const message of gone.splice(0)) yield { message };
  }
  unwatch();
  const isTold = left === undefined || (await Promise.race([left, delay(letGoMs, false, { ref: false })]));
  if (!isTold) yield { message: 'the API server could not be told; its Containers wait for a hob of this node' };
  yield { message: 'all containers are gone', done: true, pid: process.pid };
}
