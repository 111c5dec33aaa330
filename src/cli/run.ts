import { constants } from 'node:os';
import { resolve } from 'node:path';
import type { DaemonOptions } from '../daemon/options.ts';
import { runDaemon } from '../daemon/run.ts';
import { parse } from './arguments.ts';
import { suggestion, usageError } from './cli-error.ts';
import { defaults, directories } from './directories.ts';
import { placementFlags, placementOf } from './placement-flags.ts';
import { remark } from './output.ts';

export const help = `Keep containers as their specs say, until a signal ends it. The containers go on without it; the next run finds them again.

Usage:
  hob run [flags]

Examples:
  hob run                                          # the specs in /etc/hob/containers
  hob run --watch ./specs --plugins ./plugins
  hob run --state-dir /tmp/s --run-dir /tmp/r      # beside another hob
  hob run --kubernetes --kubeconfig /etc/hob/kubeconfig   # the Containers of an API server

Flags:
      --watch DIR        a folder with specs; may be repeated (default /etc/hob/containers; with --kubernetes none)
      --plugins DIR      a folder with plugins; may be repeated (default /etc/hob/plugins)
      --state-dir DIR    what outlives a restart of the host (default /var/lib/hob, or HOB_STATE_DIR)
      --run-dir DIR      what need not (default /run/hob, or HOB_RUN_DIR)
      --log-level LEVEL  trace, debug, info, warn, error or fatal (default info)
      --node-name NAME   what specs call this host in nodeName (default its host name, or HOB_NODE_NAME)
      --node-label K=V   a label of this host for nodeSelector; may be repeated

  Containers of a Kubernetes API server:
      --kubernetes       keep those that are meant for this node; see docs/kubernetes.md
      --kubeconfig FILE  how to reach it (default KUBECONFIG, ~/.kube/config, or the account of the pod hob runs in)
      --namespace NS     only those of one namespace
      --selector LABELS  only those with these labels: team=a,tier!=test
      --cluster UID      the cluster, where it is not the one of before: the uid of its namespace kube-system
`;

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('run', args, {
    watch: { type: 'string', multiple: true },
    plugins: { type: 'string', multiple: true, default: [defaults.plugins] },
    'state-dir': { type: 'string' },
    'log-level': { type: 'string', default: 'info' },
    ...placementFlags,
  });
  const level = values['log-level'];
  if (positionals.length > 0)
    throw usageError('run', `takes flags only, not ${positionals.join(' ')}; folders come with --watch`);
  if (!logLevels.includes(level))
    throw usageError(
      'run',
      `there is no log level "${level}"${suggestion(level, logLevels)}; there are ${logLevels.join(', ')}`,
    );
  const places = directories(values);
  const placement = placementOf(values);
  const { watch = placement.kubernetes ? [] : [defaults.watch] } = values;
  const ending = listenForEnd();
  const code = await runDaemon({
    ...places,
    ...placement,
    watch: watch.map((path) => resolve(path)),
    plugins: values.plugins.map((path) => resolve(path)),
    logLevel: level,
    ...(process.stdout.isTTY && { openScreen: await terminalScreen() }),
  });
  if (ending.wasAsked())
    remark(`hob has ended; its containers go on. Stop them, too, with: hob down${flagsFor(places)}`);
  return code;
}

/** Whether a signal ended hob, and not `hob down`. */
function listenForEnd(): { wasAsked(): boolean } {
  let wasAsked = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      wasAsked = true;
      // Before the daemon listens itself there is nothing to put in order.
      if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
    });
  }
  return { wasAsked: () => wasAsked };
}

/** Tear down what a hob that does not run any more left behind, telling how it goes. */
export async function tearDown(places: Pick<DaemonOptions, 'stateDir' | 'runDir'>): Promise<number> {
  const plainLines = { log: (line: string) => void process.stdout.write(`${line}\n`), close: () => undefined };
  return runDaemon({
    ...places,
    watch: [],
    plugins: [],
    logLevel: 'info',
    node: { name: '', labels: {} },
    tearDown: true,
    openScreen: () => plainLines,
  });
}

/** Loaded only for a terminal. */
async function terminalScreen(): Promise<NonNullable<DaemonOptions['openScreen']>> {
  const { liveTable } = await import('./live-table.ts');
  return (show) => liveTable({ out: process.stdout, ...show });
}

function flagsFor({ stateDir, runDir }: Pick<DaemonOptions, 'stateDir' | 'runDir'>): string {
  const state = stateDir === defaults.stateDir ? '' : ` --state-dir ${stateDir}`;
  return runDir === defaults.runDir ? state : `${state} --run-dir ${runDir}`;
}
