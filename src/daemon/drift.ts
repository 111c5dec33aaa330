import type { Controller } from '../controller/controller.ts';
import { watchMounts } from '../rootfs/watch-mounts.ts';
import type { CrunRuntime } from '../runtime/crun.ts';
import type { Places } from './options.ts';
import type { Reporter } from './reporter.ts';

interface DriftParts {
  readonly runtime: Pick<CrunRuntime, 'tellDrift'>;
  readonly controller: Pick<Controller, 'seen' | 'tampered' | 'mountsChanged'>;
  readonly places: Pick<Places, 'overlays'>;
  readonly report: Pick<Reporter, 'hob'>;
}

/** What is changed behind hob's back goes to the container's machine, which puts it right. @returns how to stop */
export function watchDrift({ runtime, controller, places, report }: DriftParts): () => void {
  runtime.tellDrift({
    seen: controller.seen,
    tell: (id, reason, message) => {
      if (!controller.tampered(id, reason, message)) report.hob('Warning', reason, `container "${id}": ${message}`);
    },
    stranger: (id) => {
      const message = `crun held a container "${id}" that hob knows nothing of; it was removed`;
      report.hob('Warning', 'OrphanRemoved', message);
    },
  });
  return watchMounts(places.overlays, controller.mountsChanged);
}
