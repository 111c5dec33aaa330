import { rmSync } from 'node:fs';
import { bareStarts, bareStops } from './bare.ts';
import { benchHob } from './hob.ts';
import { median, ratio, row } from './figures.ts';
import { benchHooks } from './hooks.ts';
import { makeWorkshop } from './workshop.ts';

/**
 * hob against bare crun, in one run, alternating, so that a machine whose speed drifts is fair to both. Prints medians and
 * ratios; asserts nothing.
 */
const rounds = Number(process.argv[2] ?? 20);
const many = Number(process.argv[3] ?? 100);

const workshop = makeWorkshop();
const hob = await benchHob(workshop);
const bare = bareStarts(workshop);

console.log(`hob against crun on this machine; ${rounds} rounds, then ${many} containers; times in milliseconds\n`);

const starts = { hob: [] as number[], run: [] as number[], createStart: [] as number[] };
const stops = { hob: [] as number[], removed: [] as number[], bare: [] as number[] };
for (let round = 0; round < rounds; round++) {
  const name = `one-${round}`;
  starts.hob.push(await hob.startOne(name));
  stops.hob.push(await hob.stopOne(name));
  await hob.startOne(name);
  stops.removed.push(await hob.removeOne(name));
  starts.run.push(await bare.run(name));
  stops.bare.push(await bareStops(workshop, name));
  starts.createStart.push(await bare.createAndStart(name));
  await bareStops(workshop, name);
}
row('one spec renamed in -> its process runs', starts.hob);
row('  crun run -d of the same bundle', starts.run);
row('  crun create + crun start', starts.createStart);
ratio('  hob / crun run -d', starts.hob, starts.run);
ratio('  hob / create + start', starts.hob, starts.createStart);
row('desiredState: Stopped -> all cleaned up', stops.hob);
row('  crun kill + wait + delete', stops.bare);
ratio('  hob / bare', stops.hob, stops.bare);
row('its file removed (100 ms to be sure of that) -> gone', stops.removed);

for (const parallel of [4, 8]) {
  const atOnce = await bare.runMany(many, parallel);
  row(`${many} at once: crun run -d, ${parallel} at a time`, [atOnce]);
}
const reference = median([await bare.runMany(many, 4), await bare.runMany(many, 4)]);
const dropped = await hob.startMany(many);
row(`${many} specs dropped at once -> all run`, [dropped]);
ratio('  hob / crun run -d, 4 at a time', [dropped], [reference]);

await hob.reportIdle(many);
await hob.reportRestart(many);
await hob.end();
await benchHooks();
rmSync(workshop.dir, { recursive: true, force: true });
// The listener at the FIFO never ends by itself.
process.exit();
