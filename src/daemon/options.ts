import { join } from 'node:path';
import type { Container, SpecMistake } from '../api/container.ts';
import type { Node } from '../api/placement.ts';

/** What `hob run` was asked to do. Paths are absolute. */
export interface DaemonOptions {
  /** Folders of specs. */
  readonly watch: readonly string[];
  /** Folders of plugins. */
  readonly plugins: readonly string[];
  /** What must outlive the host's boot: journal, logs, overlays, applied specs. */
  readonly stateDir: string;
  /** What need not: sockets, bundles, crun's own state. */
  readonly runDir: string;
  readonly logLevel: string;
  /** What this node is called, and labelled, where specs name nodes. */
  readonly node: Node;
  /** Keep containers of an API server as well. */
  readonly kubernetes?: KubernetesPlace;
  /** Read no source, tear everything down, and end: what is left to do when hob itself does not run. */
  readonly tearDown?: boolean;
  /** How people at a terminal are shown what goes on. Without it hob prints its log, as JSON. */
  readonly openScreen?: (show: ScreenSource) => Screen;
}

/** Which containers of which API server. */
export interface KubernetesPlace {
  /** Absolute path; undefined: the one that kubectl would take, or the account of the pod that hob runs in. */
  readonly kubeconfig?: string;
  /** Only this namespace. */
  readonly namespace?: string;
  /** Only what this label selector matches. */
  readonly selector?: string;
  /** The cluster, by the uid of its namespace kube-system, that the containers are to come from from now on. */
  readonly cluster?: string;
}

/** What a live table needs to know. */
export interface ScreenSource {
  readonly containers: () => readonly Container[];
  /** The last thing said about a container. */
  readonly lastEvent: (namespace: string, name: string) => string | undefined;
  /** What is wrong with the files of specs at the moment. */
  readonly mistakes: () => readonly SpecMistake[];
  /** Called back on each change. Returns how to stop. */
  readonly onChange: (listener: () => void) => () => void;
}

export interface Screen {
  /** Show a line of hob's log. */
  log(line: string): void;
  /** Leave the terminal as it was. */
  close(): void;
}

/** Where things are in the two directories. */
export interface Places {
  readonly journal: string;
  readonly logs: string;
  readonly overlays: string;
  readonly applied: string;
  readonly pluginState: string;
  readonly socket: string;
}

export const placesIn = ({ stateDir, runDir }: Pick<DaemonOptions, 'stateDir' | 'runDir'>): Places => ({
  journal: join(stateDir, 'journal.db'),
  logs: join(stateDir, 'logs'),
  overlays: join(stateDir, 'overlays'),
  applied: join(stateDir, 'applied'),
  pluginState: join(stateDir, 'plugins'),
  socket: join(runDir, 'hob.sock'),
});
