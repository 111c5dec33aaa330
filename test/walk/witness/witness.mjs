// Says of each of its calls when it begins and when it ends, a line each in the file `calls` of its world. Its hints are
// in the file `hints` beside it. Of the spec's data it takes {fail: POINT}, which that point answers false to, and
// {hang: POINT}, which never settles there, {throw: POINT}, {run: POINT, argv}, which has a program run, and
// {forget: POINT}, which remembers nothing of the container any more.

import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const here = process.env.HOB_PLUGIN_DIR;
const calls = join(here, '../../calls');

/** Seconds since boot, as in /proc/uptime. */
const now = () => (Number(process.hrtime.bigint()) / 1e9).toFixed(3);

async function witness(point, { id, pid, data, instanceID, attempt, signal, utilities }, work = () => true) {
  // One write: of what several say at the same time, each line stays whole.
  const say = (what) =>
    appendFileSync(calls, `${now()} witness ${point} ${what} ${id} ${instanceID} ${attempt} ${pid ?? '-'}\n`);
  say('begin');
  if (data?.hang === point) {
    say('hang');
    await new Promise(() => undefined);
  }
  if (data?.run === point) await utilities.run(data.argv, { signal });
  if (data?.forget === point) utilities.metadata(id).delete('instance');
  if (data?.throw === point) throw new Error('as it was told to');
  const answer = work() && data?.fail !== point;
  say('end');
  return answer;
}

export default ({ stateDir }, utilities) => {
  /** What hob has to remove with the instance, and with the container. */
  function remember(id, instanceID) {
    utilities.metadata(id).set('instance', instanceID);
    mkdirSync(join(stateDir, 'records'), { recursive: true, mode: 0o700 });
    appendFileSync(join(stateDir, 'records', `${id}.jsonl`), `${JSON.stringify({ instanceID })}\n`);
    return true;
  }
  return {
    name: 'witness',
    hookHints: Number(readFileSync(join(here, 'hints'), 'utf8')),

    postConstruction: (id, startState, _rootfs, data, about) =>
      witness('postConstruction', { id, data, ...about, utilities }, () => {
        remember(id, about.instanceID);
        return startState.addEnvironmentVariable(`INSTANCE=${about.instanceID}`);
      }),
    preStart: (id, pid, _rootfs, data, about) => witness('preStart', { id, pid, data, ...about, utilities }),
    postStart: (id, pid, _rootfs, data, about) => witness('postStart', { id, pid, data, ...about, utilities }),
    postStop: (id, _rootfs, data, about) => witness('postStop', { id, data, ...about, utilities }),
    preDestruction: (id, _rootfs, data, about) => witness('preDestruction', { id, data, ...about, utilities }),
  };
};
