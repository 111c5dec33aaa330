import { wordsOf } from '../host/errors.ts';
import { createCheckUp, suspect } from './follow/check-up.ts';
import { createCrunRootWatch } from './follow/crun-root.ts';
import { createDriftWatch, type DriftListener } from './follow/drift.ts';
import { letHelpersGoOn } from './follow/helpers-go-on.ts';
import type { Instance } from './instance.ts';
import { once } from './once.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import { watchSignals } from './signal-files.ts';

export interface Following {
  /** From now on, tell what others do to the containers. */
  tellDrift(listener: DriftListener): void;
  stop(): void;
}

/** Hear of what happens to the instances, and look now and then for what could not be heard of. */
export function follow(parts: RuntimeParts, lookEveryMs: number): Following {
  const { runDir, keeper, warn, instances } = parts;
  const byKey = keyFinder(instances);
  const stopWatching = watchSignals(
    runDir,
    (key, kind) => {
      const instance = byKey(key);
      instance?.read(kind);
      instance?.wake();
    },
    warn,
  );
  const stopListening = keeper.onLogEnded((key) => {
    const instance = byKey(key);
    instance?.read('shell');
    if (instance) suspect(instance);
  });
  const stopHearing = keeper.onOutputLost((key, message) => {
    const instance = byKey(key);
    if (instance) drift?.tell(instance.id, 'OutputLost', message);
  });
  const checkUp = createCheckUp();
  let drift: ReturnType<typeof followDrift> | undefined;

  function look(): void {
    for (const instance of checkUp.look(instances.values())) goOn(instance);
    drift?.look();
  }

  function goOn(instance: Instance): void {
    const stopped = letHelpersGoOn(instance);
    if (stopped.length > 0) drift?.tell(instance.id, 'HelpersStopped', wordsOnHelpers(stopped));
  }

  const timer = setInterval(() => tryTo(look, warn), lookEveryMs);
  return {
    tellDrift: (listener) => {
      drift = followDrift(parts, listener);
    },
    // A descriptor that is closed twice may be somebody else's the second time.
    stop: once(() => {
      stopWatching();
      stopListening();
      stopHearing();
      clearInterval(timer);
      drift?.close();
      checkUp.close();
    }),
  };
}

function followDrift(parts: RuntimeParts, listener: DriftListener) {
  const cgroups = createDriftWatch(parts, listener.seen);
  const root = createCrunRootWatch(parts, listener);
  return {
    tell: listener.tell,
    look() {
      tryTo(root.look, parts.warn);
      cgroups.look(parts.instances);
    },
    close() {
      cgroups.close();
      root.close();
    },
  };
}

/** The instance's id has no dot. */
const keyFinder =
  (instances: ReadonlyMap<string, Instance>) =>
  (key: string): Instance | undefined => {
    const instance = instances.get(key.slice(0, key.lastIndexOf('.')));
    return instance?.paths.key === key ? instance : undefined;
  };

const wordsOnHelpers = (pids: readonly number[]): string =>
  `it has ended, but its crun or the shell around that (${pids.join(', ')}) had been stopped from outside; made to go on`;

/** A look that fails is made again at the next turn; it must not end hob. */
function tryTo(look: () => void, warn: (message: string) => void): void {
  try {
    look();
  } catch (error) {
    warn(`the containers could not be looked at: ${wordsOf(error)}`);
  }
}
