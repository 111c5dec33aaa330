import { closeSync } from 'node:fs';
import { addToEpoll, createEpoll, EPOLL, readyInEpoll } from '../../host/libc.ts';
import { findInit } from '../instance/init.ts';
import { signalKinds } from '../instance/paths.ts';
import type { Instance } from '../instance.ts';

/** Looks for what no file and no stream told of: an event may be lost, and whoever should have written may have been killed. */
export interface CheckUp {
  /**
   * Look at all instances. Of those whose init is known, one call tells which of them have ended, however many there are; the few others
   * are looked at themselves, every fifth time.
   * @returns those that had ended at the look before as well, and still nobody says how
   */
  look(instances: Iterable<Instance>): Instance[];
  close(): void;
}

/** An instance that has yet to start, or has just ended, costs some system calls a look. */
const looksBetween = 5;

export function createCheckUp(): CheckUp {
  const epoll = createEpoll();
  /** By the descriptor of their init. */
  const followed = new Map<number, Instance>();
  let endedBefore = new Set<Instance>();
  let looks = 0;

  /** Whether the kernel tells of its end from now on. */
  function follow(instance: Instance): boolean {
    const { pidfd } = instance.init ?? {};
    if (pidfd === undefined) return false;
    if (followed.get(pidfd) !== instance) addToEpoll(epoll, pidfd, EPOLL.IN);
    followed.set(pidfd, instance);
    return true;
  }

  function ended(): Instance[] {
    return readyInEpoll(epoll).flatMap((fd) => {
      const instance = followed.get(fd);
      return instance && !instance.exit && instance.init?.pidfd === fd ? [instance] : [];
    });
  }

  return {
    look(instances) {
      looks += 1;
      const others = [...instances].filter((instance) => !instance.exit && !follow(instance));
      if (looks % looksBetween === 0) others.forEach(lookAgain);
      const now = ended();
      now.forEach(lookAgain);
      const silent = now.filter((instance) => endedBefore.has(instance) && !instance.exit);
      endedBefore = new Set(now);
      return silent;
    },
    close: () => closeSync(epoll),
  };
}

function lookAgain(instance: Instance): void {
  signalKinds.forEach(instance.read);
  findInit(instance);
  suspect(instance);
}

/** Something may have happened. */
export function suspect(instance: Instance): void {
  instance.suspected = true;
  instance.wake();
}
