import type { DownProgress } from '../api/wire.ts';
import type { Controller } from '../controller/controller.ts';
import type { DesiredStore } from '../controller/desired-store.ts';

/** Tear down every container, whatever any source says, and tell of each that is gone. */
export async function* tearDown(controller: Controller, store: DesiredStore): AsyncGenerator<DownProgress> {
  const gone: string[] = [];
  let news = Promise.withResolvers<void>();
  const unwatch = controller.watch(({ type, object }) => {
    if (type !== 'DELETED') return;
    gone.push(`${object.metadata.namespace}/${object.metadata.name} is gone`);
    news.resolve();
  });
  yield { message: `tears down ${controller.list().length} containers` };
  store.abandon();
  controller.enqueueAll();
  while (controller.list().length > 0) {
    await news.promise;
    news = Promise.withResolvers<void>();
    for (const message of gone.splice(0)) yield { message };
  }
  unwatch();
  yield { message: 'all containers are gone', done: true, pid: process.pid };
}
