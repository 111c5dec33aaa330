import { deepStrictEqual, ok } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, it } from 'vitest';
import { parseSpecs } from '../../src/api/parse.ts';
import { directorySource } from '../../src/sources/directory.ts';
import type { Declaration, Source, SourceSink } from '../../src/sources/source.ts';
import { cases, mutatedBytes, mutatedText, patience, samples } from '../support/fuzz.ts';
import { shortSpec, yamlSpecs } from '../support/spec-texts.ts';
import { until } from '../support/watched-folder.ts';

let base: string;
let folder: string;
let source: Source;
const declared = new Map<string, Declaration>();

const sink: SourceSink = {
  declare: (origin, declaration) => void declared.set(origin, declaration),
  withdraw: (origin) => void declared.delete(origin),
  synced: () => undefined,
  unavailable: () => undefined,
};

beforeEach(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'hob-fuzz-')));
  folder = join(base, 'specs');
  declared.clear();
  const quiet = (): void => undefined;
  const log = { debug: quiet, info: quiet, warn: quiet };
  source = directorySource({ path: folder, log, settleMs: 20, removeMs: 20, rescanSeconds: 3600 });
  await source.start(sink);
});

afterEach(async () => {
  await source.stop();
  rmSync(base, { recursive: true, force: true });
});

const contents = fc.oneof(
  mutatedText(shortSpec),
  mutatedBytes(shortSpec, yamlSpecs),
  fc.uint8Array({ maxLength: 200 }),
);

it(
  'files with anything in them, in a watched folder, are each declared for what they are: sound, or with what is wrong',
  async () => {
    const files = samples(contents, cases(300));
    mkdirSync(folder);
    for (const [index, content] of files.entries()) {
      // Written elsewhere and moved in, or over one that is there.
      writeFileSync(join(base, 'new'), content);
      renameSync(join(base, 'new'), join(folder, `${index % 100}.yaml`));
    }
    const last = new Map(files.map((content, index) => [join(folder, `${index % 100}.yaml`), Buffer.from(content)]));
    await until(() => deepStrictEqual(new Set(declared.keys()), new Set(last.keys())));
    await until(() => {
      for (const [origin, content] of last) deepStrictEqual(declared.get(origin), parseSpecs(content, origin));
    });
    for (const { containers, mistakes } of declared.values()) ok(containers.length + mistakes.length > 0);
  },
  patience,
);
