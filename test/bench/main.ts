import { parseArgs } from 'node:util';
import { bareStarts } from './bare.ts';
import { benchHob } from './hob.ts';
import { benchHooks } from './hooks.ts';
import { benchKubernetes } from './kubernetes.ts';
import { benchAdoption, benchMany, benchOne } from './starts.ts';
import { makeWorkshop } from './workshop.ts';

/**
 * hob against bare crun, in one run, alternating, so that a machine whose speed drifts is fair to both. Prints medians and
 * ratios; asserts nothing. `npm run bench -- one many adoption hooks kubernetes` names the parts; without a name, all of them.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '20' }, containers: { type: 'string', multiple: true } },
});
const counts = (values.containers ?? ['100', '500']).map(Number);
const isAsked = (part: string): boolean => positionals.length === 0 || positionals.includes(part);

if (['one', 'many', 'adoption'].some(isAsked)) {
  const workshop = makeWorkshop();
  const hob = await benchHob(workshop);
  const bare = bareStarts(workshop);
  console.log(`hob against crun on this machine; ${values.rounds} rounds; times in milliseconds\n`);
  if (isAsked('one')) await benchOne(workshop, hob, bare, Number(values.rounds));
  for (const count of isAsked('many') ? counts : []) await benchMany(hob, bare, count);
  for (const count of isAsked('adoption') ? counts : []) await benchAdoption(hob, count);
  await hob.end();
  workshop.remove();
}
if (isAsked('hooks')) await benchHooks();
if (isAsked('kubernetes')) await benchKubernetes(Number(values.rounds));
