import type { Places } from './world.ts';

/**
 * Says in the file `starts` of the world that it runs, as a line: `started NAME MARKER INSTANCE STARTTIME`; and to its log, so that there
 * is one. Builtins of busybox only. The trap comes first: without it, pid 1 would not hear TERM.
 */
const says = [
  `trap 'exit 0' TERM`,
  'read -r stat </proc/1/stat',
  'set -- $stat',
  'echo "started $NAME $MARKER ${INSTANCE:--} ${22}" >>/mnt/starts',
  'echo "$NAME runs"',
].join('; ');

/** Waits without a turn of the processor; a `sleep` in the foreground would keep TERM waiting. */
const waits = 'sleep 2147483647 & wait $!';

/** What a container of the walk is to be. */
export interface Role {
  /** Differs between two specs of a container; /proc shows it in the environment of what runs. */
  readonly marker: string;
  /** Anything else of the spec. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A spec for `drop`: it runs until it gets TERM, and then ends with 0. */
export const server = (places: Places, name: string, role: Role): object =>
  specOf(places, name, role, `${says}; ${waits}`);

/** A spec for `drop`: it ends by itself. @param end after so many seconds, with this exit code */
export const job = (
  places: Places,
  name: string,
  role: Role,
  { seconds = 0.05, code = 0 }: { seconds?: number; code?: number } = {},
): object =>
  specOf(
    places,
    name,
    { ...role, more: { restartPolicy: 'Never', ...role.more } },
    `${says}; sleep ${seconds}; exit ${code}`,
  );

/** A spec for `drop`: it ends at once with 3, however often it is started. */
export const crashLooper = (places: Places, name: string, role: Role): object =>
  job(places, name, { ...role, more: { restartPolicy: 'Always', ...role.more } }, { seconds: 0, code: 3 });

/** A spec for `drop`: it prints more than a log file may hold, and then runs until it gets TERM. */
export const talker = (places: Places, name: string, role: Role): object =>
  specOf(places, name, role, `yes 'a line of output' | head -c 2500000; ${says}; ${waits}`);

function specOf({ starts }: Places, name: string, { marker, more = {} }: Role, script: string): object {
  return {
    command: ['/bin/sh', '-c', script],
    env: [
      { name: 'NAME', value: name },
      { name: 'MARKER', value: marker },
    ],
    mounts: [{ source: starts, destination: '/mnt/starts' }],
    ...more,
  };
}
