import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerStatus } from '../../src/api/container.ts';
import type { ObjectList, SourceInfo } from '../../src/api/wire.ts';
import { type Client, connectTo } from '../../src/cli/client.ts';
import { type Agent, testAgent } from '../kubernetes/support/agent.ts';
import { conditionOf, untilResource } from '../kubernetes/support/resources.ts';
import { testHob } from '../support/hob.ts';
import { runningPids, untilItAnswers } from './answers.ts';
import { type BenchCluster, nameOf } from './bench-cluster.ts';
import { amountRow, ratio, row } from './figures.ts';
import { quietly } from './hob.ts';
import { cpuTicks, residentMB } from './usage.ts';
import type { Workshop } from './workshop.ts';

const own = 100;
const others = 900;
const restarts = 3;
const writesPerSecond = 50;
const idleSeconds = 10;

/** What was seen with so many Containers on the API server: milliseconds, megabytes, per cent of a core. */
interface Seen {
  readonly started: number[];
  readonly adopted: number[];
  readonly synced: number[];
  readonly resident: number[];
  readonly idle: number[];
  readonly storm: number[];
}

/** A hundred of this node, alone on the API server and among nine hundred of other nodes, in turns. */
export async function benchOthers(workshop: Workshop, server: BenchCluster, rounds: number): Promise<void> {
  const seen = { alone: nothingSeen(), among: nothingSeen() };
  const files: number[] = [];
  for (let round = 0; round < rounds; round++) {
    files.push(await startFromFiles(workshop));
    await benchOwn(workshop, server, seen.alone, 0);
    await benchOwn(workshop, server, seen.among, others);
  }
  report(seen, files);
}

const nothingSeen = (): Seen => ({ started: [], adopted: [], synced: [], resident: [], idle: [], storm: [] });

/** The same without an API server. */
async function startFromFiles(workshop: Workshop): Promise<number> {
  const hob = testHob({ args: quietly });
  for (let i = 0; i < own; i++) hob.drop(nameOf(i), workshop.spec);
  const took = await startedWith(workshop, hob);
  await hob.dispose();
  return took;
}

async function benchOwn(workshop: Workshop, server: BenchCluster, seen: Seen, foreign: number): Promise<void> {
  const agent = await testAgent(server.cluster, { args: quietly });
  try {
    await watchAgent(workshop, server, agent, seen, foreign);
  } finally {
    await agent.dispose();
  }
}

async function watchAgent(
  workshop: Workshop,
  server: BenchCluster,
  agent: Agent,
  seen: Seen,
  foreign: number,
): Promise<void> {
  const { cluster } = server;
  const [ours, theirs] = [await cluster.newNamespace(), await cluster.newNamespace()];
  await server.createMany(ours, own, { ...workshop.spec, nodeName: agent.node });
  await server.createMany(theirs, foreign, { ...workshop.spec, nodeName: 'elsewhere' }, statusElsewhere);
  seen.started.push(await startedWith(workshop, agent));
  for (let i = 0; i < own; i++)
    await untilResource(cluster, [ours, nameOf(i)], 'is ready', (one) => conditionOf(one, 'Ready')?.status === 'True');
  await delay(5_000);
  seen.idle.push(await percentOfCore(agent));
  if (foreign > 0) seen.storm.push(await during(server.writeStatuses, theirs, foreign, () => percentOfCore(agent)));
  seen.resident.push(residentMB(agent.pid));
  for (let round = 0; round < restarts; round++) await restart(agent, seen);
  await Promise.all([server.removeAll(ours), server.removeAll(theirs)]);
}

/** As the status of a container that runs is: it is half of what the API server sends. */
const statusElsewhere: ContainerStatus = {
  phase: 'Running',
  observedGeneration: 1,
  nodeName: 'elsewhere',
  pid: 1234,
  restartCount: 0,
  startedAt: new Date().toISOString(),
  conditions: ['Ready', 'Reconciling', 'Stalled'].map((type) => ({
    type,
    status: type === 'Ready' ? 'True' : 'False',
    reason: 'Running',
    message: 'the container runs',
    observedGeneration: 1,
    lastTransitionTime: new Date().toISOString(),
  })),
};

async function startedWith(workshop: Workshop, hob: Pick<Agent, 'begin'>): Promise<number> {
  const running = workshop.running(own);
  const begun = performance.now();
  hob.begin();
  await running;
  return performance.now() - begun;
}

/** By kill -9. */
async function restart(agent: Agent, { adopted, synced }: Seen): Promise<void> {
  const api = connectTo(join(agent.dir, 'run', 'hob.sock'));
  const before = await runningPids(api);
  await agent.kill();
  const begun = performance.now();
  agent.begin();
  const now = await untilItAnswers(() => runningPids(api));
  adopted.push(performance.now() - begun);
  const kept = [...before].filter(([name, pid]) => now.get(name) === pid).length;
  if (kept < own) throw new Error(`${kept} of ${own} adopted:\n${agent.output()}`);
  while (!(await isSynced(api))) await delay(2);
  synced.push(performance.now() - begun);
}

async function isSynced(api: Client): Promise<boolean> {
  const { items } = await api.json<ObjectList<SourceInfo>>('GET', '/sources');
  return items.some(({ name, synced }) => name === 'kubernetes' && synced);
}

async function percentOfCore({ pid }: Agent): Promise<number> {
  const before = cpuTicks(pid);
  await delay(idleSeconds * 1000);
  return (cpuTicks(pid) - before) / idleSeconds;
}

async function during<Answer>(
  writeStatuses: BenchCluster['writeStatuses'],
  namespace: string,
  count: number,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const ending = new AbortController();
  const writing = writeStatuses(namespace, count, writesPerSecond, ending.signal);
  const answer = await work();
  ending.abort();
  await writing;
  return answer;
}

function report({ alone, among }: Record<'alone' | 'among', Seen>, files: readonly number[]): void {
  const [few, many] = [`${own} of ${own}`, `${own} of ${own + others}`];
  row(`${own} in the folder: started -> all run`, files);
  row(`${few} on the API server: started -> all run`, alone.started);
  row(`${many}: started -> all run`, among.started);
  ratio(`  ${few} / in the folder`, alone.started, files);
  ratio(`  ${many} / ${few}`, among.started, alone.started);
  for (const [what, which] of [
    ['all adopted', 'adopted'],
    ['API server read', 'synced'],
  ] as const) {
    row(`${few}: killed, started -> ${what}`, alone[which]);
    row(`${many}: killed, started -> ${what}`, among[which]);
    ratio(`  ${many} / ${few}`, among[which], alone[which]);
  }
  amountRow(`${few}: resident`, alone.resident, 'MB');
  amountRow(`${many}: resident`, among.resident, 'MB');
  amountRow(`${few}: idle`, alone.idle, '% of a core');
  amountRow(`${many}: idle`, among.idle, '% of a core');
  amountRow(`${many}: others change, ${writesPerSecond} a second`, among.storm, '% of a core');
}
