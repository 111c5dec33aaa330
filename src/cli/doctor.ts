import type { Finding } from '../daemon/doctor.ts';
import { diagnose } from '../daemon/doctor.ts';
import { parse } from './arguments.ts';
import { directories } from './directories.ts';
import { print } from './output.ts';
import type { Column } from './table.ts';
import { coloured, table } from './table.ts';

export const help = `Check whether this host is fit for hob, and say what to do where it isn't. Changes nothing.
The exit code is 1 when something keeps hob from working.

Usage:
  hob doctor [flags]

Flags:
      --state-dir DIR  where hob keeps its state (default /var/lib/hob, or HOB_STATE_DIR)
      --run-dir DIR    where it runs (default /run/hob, or HOB_RUN_DIR)
`;

const colours = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

const columns: readonly Column<Finding>[] = [
  { title: '', cell: ({ ok }) => coloured(colours[ok], ok) },
  { title: 'CHECK', cell: ({ check }) => check },
  {
    title: 'FOUND',
    cell: ({ found, cure }) => (cure === undefined ? found : `${found}\n${coloured('bold', 'cure:')} ${cure}`),
  },
];

export async function run(args: string[]): Promise<number> {
  const { values } = parse('doctor', args, { 'state-dir': { type: 'string' } });
  const findings = await diagnose(directories(values));
  for (const line of table(columns, findings)) print(line);
  const problems = findings.filter(({ ok }) => ok === 'problem').length;
  print(problems === 0 ? '\nhob can work here.' : `\nhob cannot work here as it should: ${problems} to mend.`);
  return problems === 0 ? 0 : 1;
}
