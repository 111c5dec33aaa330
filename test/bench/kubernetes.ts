import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { testAgent } from '../kubernetes/support/agent.ts';
import { testHob } from '../support/hob.ts';
import { type BenchCluster, benchCluster } from './bench-cluster.ts';
import { amountRow, median, row } from './figures.ts';
import { benchHob, quietly } from './hob.ts';
import { benchOthers } from './others.ts';
import { residentMB } from './usage.ts';
import { makeWorkshop, type Workshop } from './workshop.ts';

/** What an API server costs a hob that takes Containers from it, against the same containers in its folder. */
export async function benchKubernetes(rounds: number): Promise<void> {
  execFileSync(join(import.meta.dirname, '../kubernetes/assets.sh'), { stdio: ['ignore', 'ignore', 'inherit'] });
  const workshop = makeWorkshop();
  const server = await benchCluster();
  console.log(`\nhob with a Kubernetes API server; ${rounds} rounds; times in milliseconds\n`);
  try {
    await benchApply(workshop, server, rounds);
    await benchPresence(server);
    await benchOthers(workshop, server, Math.min(3, rounds));
  } finally {
    await server.cluster.dispose();
    workshop.remove();
  }
}

/** One container at a time, by a request to the API server and by a file in the folder of the same hob, in turns. */
async function benchApply(workshop: Workshop, server: BenchCluster, rounds: number): Promise<void> {
  const agent = await testAgent(server.cluster, { args: quietly });
  const [applied, posted, dropped]: [number[], number[], number[]] = [[], [], []];
  try {
    const hob = await benchHob(workshop, agent);
    const namespace = await server.cluster.newNamespace();
    const post = (name: string): Promise<void> =>
      server.create(namespace, name, { ...workshop.spec, nodeName: agent.node });
    await beforehand(workshop, () => post('warm-up'));
    for (let round = 0; round < rounds; round++) {
      const name = `one-${round}`;
      dropped.push(await hob.startOne(name));
      await hob.removeOne(name);
      const running = workshop.running(1);
      const begun = performance.now();
      await post(name);
      posted.push(performance.now() - begun);
      await running;
      applied.push(performance.now() - begun);
      await server.remove(namespace, name);
    }
  } finally {
    await agent.dispose();
  }
  row('POST of a Container -> its process runs', applied);
  row('  until the API server has answered the POST', posted);
  row('  one spec renamed in -> its process runs', dropped);
  row('  more than renamed in (goal: 60 at most)', [median(applied) - median(dropped)]);
}

/** So that hob has read the API server, and both have a connection. */
async function beforehand(workshop: Workshop, start: () => Promise<void>): Promise<void> {
  await Promise.all([workshop.running(1), start()]);
}

/** The client library must not be in hob itself, neither without an API server nor with one. */
async function benchPresence({ cluster }: BenchCluster): Promise<void> {
  const idle = { without: [] as number[], with: [] as number[] };
  for (let round = 0; round < 3; round++) {
    for (const which of ['without', 'with'] as const) {
      const hob = which === 'with' ? await testAgent(cluster, { args: quietly }) : testHob({ args: quietly });
      await hob.start();
      await delay(5_000);
      idle[which].push(residentMB(hob.pid));
      await hob.dispose();
    }
  }
  amountRow('idle without containers, without --kubernetes', idle.without, 'MB');
  amountRow('idle without containers, with --kubernetes', idle.with, 'MB');
}
