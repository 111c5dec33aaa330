import type { ContainerSpec } from '../../src/api/container.ts';

/** A spec with its defaults filled in, as validation leaves it. */
export function aSpec(change: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    rootfs: { path: '/srv/rootfs' },
    restartPolicy: 'Always',
    desiredState: 'Running',
    terminationGracePeriodSeconds: 10,
    stopSignal: 'SIGTERM',
    plugins: [{ name: 'greeter', required: true, timeoutSeconds: 30 }],
    ...change,
  } as ContainerSpec;
}
