import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PluginBench, pluginBench } from '../support/plugins.ts';
import { pluginExamples, readExample, shippedPlugins } from '../support/shipped-plugins.ts';

let bench: PluginBench;
beforeAll(async () => {
  // As `npm start` has them.
  bench = pluginBench({ folders: [shippedPlugins, join(shippedPlugins, 'examples')] });
  await bench.registry.start();
});
afterAll(() => bench.dispose());

const shipped = ['EthanLog', 'MulticastSockets', 'OpenCDM', 'Perfetto'];

it('what is in the folders of plugins is all ready to be used', () => {
  expect(bench.registry.list().map(({ name, state, reason }) => [name, state, reason])).toEqual(
    [...shipped, 'clock', 'greeter'].map((name) => [name, 'ready', undefined]),
  );
});

it('there is an example for each plugin that hob ships, of its name', () => {
  const names = readdirSync(pluginExamples).toSorted();
  expect(names).toEqual(['ethanlog.yaml', 'multicast-sockets.yaml', 'open-cdm.yaml', 'perfetto.yaml']);
  const examples = names.map((file) => readExample(file.replace('.yaml', '')));
  expect(examples.map(({ metadata }) => `${metadata.name}.yaml`)).toEqual(names);
  expect(examples.map(({ spec }) => spec.plugins.map(({ name }) => name))).toEqual(shipped.map((name) => [name]));
});
