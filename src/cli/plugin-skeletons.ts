/** A file of a new plugin. */
export interface SkeletonFile {
  /** In the plugin's folder. */
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

/** @param name of letters, digits, ".", "_" and "-" only: it is put into code */
export function moduleFiles(name: string): SkeletonFile[] {
  return [
    { path: 'index.mjs', mode: 0o644, text: moduleText(name) },
    { path: `${name}.test.mjs`, mode: 0o644, text: moduleTestText(name) },
  ];
}

/** @param name as for modules */
export function executableFiles(name: string): SkeletonFile[] {
  return [
    { path: name, mode: 0o755, text: executableText(name) },
    { path: `${name}.test.mjs`, mode: 0o644, text: executableTestText(name) },
  ];
}

/** Of its own, as two plugins that set the same variable in different ways are a conflict: `HELLO_GREETING`. */
const variableOf = (name: string): string => `${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_GREETING`;

const moduleText = (name: string): string => `import { readData } from 'hob/data';
import { HintFlags } from 'hob/hint-flags';

/**
 * Called when hob loads the plugin, and again for each new thread of it: what has to last belongs into \`utilities.metadata\` or the
 * folder \`environment.stateDir\`. \`environment\` tells of the host, \`utilities\` runs programs and remembers things.
 * @type {import('hob/plugin').PluginFactory}
 */
export default (environment, utilities) => ({
  name: '${name}',

  // Which of the methods below hob calls, and whether the plugins after this one wait for them.
  hookHints: HintFlags.PostConstructionSync | HintFlags.PostStopAsync,

  /** The rootfs is there, the container is not: the one place to add something to it. */
  postConstruction(id, startState, rootfsPath, data) {
    const fields = readData(data);
    const greeting = fields.string('greeting') ?? 'hello';
    fields.end();
    utilities.metadata(id).set('greeting', greeting);
    return startState.addEnvironmentVariable(\`${variableOf(name)}=\${greeting}, \${id} on \${environment.nodeName}\`);
  },

  /** The container's first process is gone. What is printed goes to the log of hob. */
  postStop(id) {
    console.log(\`farewell, \${id}: it was \${utilities.metadata(id).get('greeting')}\`);
    return true;
  },
});
`;

const moduleTestText = (name: string): string => `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPlugin } from 'hob/testing';
import plugin from './index.mjs';

test('greets the container by its name', async () => {
  await using bench = await testPlugin(plugin, { environment: { nodeName: 'here' } });
  const result = await bench.postConstruction({ id: 'web', data: { greeting: 'good day' } });
  assert.deepEqual(result.env, ['${variableOf(name)}=good day, web on here']);
  assert.equal((await bench.postStop({ id: 'web' })).ok, true);
});

test('keeps the container from starting when its data is wrong', async () => {
  await using bench = await testPlugin(plugin);
  const result = await bench.postConstruction({ data: { greeting: 3 } });
  assert.equal(result.reason, 'HookThrew');
  assert.match(result.message, /data\\.greeting must be a string/);
});
`;

const executableText = (name: string): string => `#!/bin/sh
# hob calls this as \`${name} describe\`, and then as \`${name} HOOKPOINT\` with the call as JSON, on one line, on stdin.
# Exit code 0 means that the hook did its part. Stdout is for an answer as JSON, or for nothing; stderr goes to the log of hob.
set -eu

# The value of a field of plain text; a plugin that needs more takes jq, or another language.
text() { printf '%s' "$call" | sed -n 's/.*"'"$1"'":"\\([^"\\\\]*\\)".*/\\1/p'; }

describe() {
  # Which of the hooks below hob calls, and whether the plugins after this one wait for them.
  echo '{"name": "${name}", "hookHints": ["PostConstructionSync", "PostStopAsync"]}'
}

# The rootfs is there, the container is not: the one place to add something to it.
postConstruction() {
  greeting=$(text greeting)
  echo "{\\"env\\": [\\"${variableOf(name)}=\${greeting:-hello}, $(text id)\\"]}"
}

# The container's first process is gone.
postStop() {
  echo "farewell, $(text id)" >&2
}

case $1 in
  describe) describe ;;
  postConstruction | postStop)
    read -r call || true # The line has no end.
    "$1"
    ;;
  *)
    echo "no hook $1" >&2
    exit 1
    ;;
esac
`;

const executableTestText = (name: string): string => `import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { testPlugin } from 'hob/testing';

const program = join(import.meta.dirname, '${name}');

test('greets the container by its name', async () => {
  await using bench = await testPlugin(program);
  const result = await bench.postConstruction({ id: 'web', data: { greeting: 'good day' } });
  assert.deepEqual(result.env, ['${variableOf(name)}=good day, web']);
});

test('says farewell in the log of hob', async () => {
  await using bench = await testPlugin(program);
  assert.equal((await bench.postStop({ id: 'web' })).ok, true);
  assert.deepEqual(bench.logged, ['farewell, web']);
});
`;
