import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from '../../src/api/container.ts';
import { formatMistake, parseSpecs } from '../../src/api/parse.ts';
import type { TestHob } from './hob.ts';

const root = join(import.meta.dirname, '../..');
export const shippedPlugins = join(root, 'plugins');
export const pluginExamples = join(root, 'manifests/examples/plugins');

/** Put a plugin that hob ships into a plugin folder, as it is. */
export const shipPlugin = (name: string, folder: string): void =>
  symlinkSync(join(shippedPlugins, name), join(folder, name));

/** The one container of a file of manifests/examples/plugins. */
export function readExample(name: string): Container {
  const path = join(pluginExamples, `${name}.yaml`);
  const { containers, mistakes } = parseSpecs(readFileSync(path), path);
  const [container, ...others] = containers;
  if (container && others.length === 0 && mistakes.length === 0) return container;
  throw new Error(`${path} is no example of one container: ${mistakes.map(formatMistake).join('\n')}`);
}

/** Drop an example, with the test's own root filesystem. */
export const dropExample = (hob: TestHob, name: string): void =>
  hob.drop(name, { ...readExample(name).spec, rootfs: { path: hob.rootfs } });
