/** One word after `hob`, and what it does. */
export interface Verb {
  readonly name: string;
  /** For the overview. */
  readonly summary: string;
  /** Each verb is loaded only when it is used: most need little, and people wait for them. */
  readonly load: () => Promise<{ readonly help: string; readonly run: (args: string[]) => Promise<number> }>;
}

export const verbs: readonly Verb[] = [
  { name: 'run', summary: 'Keep containers as their specs say', load: () => import('./run.ts') },
  { name: 'get', summary: 'Show containers', load: () => import('./get.ts') },
  { name: 'describe', summary: 'Show all that is known of containers', load: () => import('./describe.ts') },
  { name: 'logs', summary: 'Show what a container printed', load: () => import('./logs.ts') },
  { name: 'exec', summary: 'Run a command in a container', load: () => import('./exec.ts') },
  { name: 'events', summary: 'Show what happened', load: () => import('./events.ts') },
  { name: 'wait', summary: 'Wait until containers are as they should be', load: () => import('./wait.ts') },
  { name: 'apply', summary: 'Hand specs to the running hob', load: () => import('./apply.ts') },
  { name: 'delete', summary: 'Delete containers that were made with apply', load: () => import('./delete.ts') },
  { name: 'down', summary: 'Stop all containers, and hob itself', load: () => import('./down.ts') },
  { name: 'plugins', summary: 'Show the plugins', load: () => import('./plugins.ts') },
  { name: 'plugin', summary: 'Make a plugin, and run its tests', load: () => import('./plugin.ts') },
  { name: 'sources', summary: 'Show where specs come from', load: () => import('./sources.ts') },
  { name: 'validate', summary: 'Check specs, without a hob', load: () => import('./validate.ts') },
  { name: 'explain', summary: 'Say what the fields of a Container are for', load: () => import('./explain.ts') },
  { name: 'doctor', summary: 'Check whether this host is fit for hob', load: () => import('./doctor.ts') },
  { name: 'version', summary: 'Show the version', load: () => import('./version.ts') },
];

/** What `hob help` says. */
export function overview(): string {
  const lines = verbs.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`);
  return `hob keeps containers on this host as their specs say.

Usage:
  hob COMMAND [flags]

Commands:
${lines.join('\n')}

'hob COMMAND --help' says more about each. All but run, plugin, validate, explain and doctor ask the hob that runs: the one
of --run-dir DIR, or HOB_RUN_DIR, or /run/hob.
`;
}
