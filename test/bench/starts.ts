import { type BareStarts, bareStops } from './bare.ts';
import { median, ratio, row } from './figures.ts';
import type { BenchHob } from './hob.ts';
import type { Workshop } from './workshop.ts';

/** One container at a time, by hob and by hand, in turns. */
export async function benchOne(workshop: Workshop, hob: BenchHob, bare: BareStarts, rounds: number): Promise<void> {
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
}

/** Very many at once. */
export async function benchMany(hob: BenchHob, bare: BareStarts, count: number): Promise<void> {
  const eight = await bare.runMany(count, 8);
  const before = await bare.runMany(count, 4);
  const dropped = await hob.startMany(count);
  await hob.removeAll();
  const four = [before, await bare.runMany(count, 4)];
  row(`${count} specs dropped at once -> all run`, [dropped]);
  row('  crun run -d, 8 at a time', [eight]);
  row('  crun run -d, 4 at a time', [median(four)]);
  ratio('  hob / crun run -d, 4 at a time', [dropped], four);
}

/** What many that run cost, and how soon a new hob has them all. */
export async function benchAdoption(hob: BenchHob, count: number): Promise<void> {
  await hob.startMany(count);
  await hob.reportIdle(count);
  await hob.reportRestart(count, 5);
  await hob.removeAll();
}
