import { describe, expect, it } from 'vitest';
import { containerID, key } from '../../src/api/container.ts';
import { formatMistake, parseSpecs } from '../../src/api/parse.ts';

const head = `apiVersion: hob.dev/v1alpha1
kind: Container
metadata:
  name: web
`;
const base = `${head}spec:
  rootfs: {path: /srv/web}
  command: [/bin/web]
`;

/** What is wrong with a text, as people see it, without the name of the file. */
const mistakes = (text: string | Uint8Array): string[] =>
  parseSpecs(text, 'f').mistakes.map((mistake) => formatMistake(mistake).replace(/^f:/, ''));

/** The mistakes of a good spec with some lines more, below `spec:`. Its first added line is line 8. */
const withLines = (yaml: string): string[] => mistakes(base + yaml.replace(/^(?=.)/gm, '  '));

describe('a good spec', () => {
  it('gets its defaults', () => {
    expect(parseSpecs(base, 'f')).toEqual({
      mistakes: [],
      containers: [
        {
          apiVersion: 'hob.dev/v1alpha1',
          kind: 'Container',
          metadata: { name: 'web', namespace: 'default' },
          spec: {
            rootfs: { path: '/srv/web' },
            command: ['/bin/web'],
            log: { maxSize: '10Mi', maxFiles: 3 },
            restartPolicy: 'Always',
            terminationGracePeriodSeconds: 10,
            stopSignal: 'SIGTERM',
            desiredState: 'Running',
            plugins: [],
          },
        },
      ],
    });
  });

  it('gets the defaults of what is in lists', () => {
    const { containers } = parseSpecs(
      `${base}  mounts: [{destination: /x, source: /y}]\n  plugins: [{name: p}]\n  env: [{name: A}]\n`,
      'f',
    );
    expect(containers[0]?.spec).toMatchObject({
      mounts: [{ destination: '/x', source: '/y', type: 'bind', options: [] }],
      plugins: [{ name: 'p', required: true, timeoutSeconds: 30 }],
      env: [{ name: 'A', value: '' }],
    });
  });

  it('is the same as JSON, with tabs and a byte order mark', () => {
    const object = parseSpecs(base, 'f').containers[0];
    expect(parseSpecs(`\uFEFF${JSON.stringify(object, null, '\t')}\r\n`, 'f')).toEqual(parseSpecs(base, 'f'));
    expect(parseSpecs(Buffer.from(`\uFEFF${base}`), 'f')).toEqual(parseSpecs(base, 'f'));
  });

  it('may be one of several documents, or of the items of a List', () => {
    const other = base.replace('web', 'other');
    expect(parseSpecs(`---\n${base}---\n---\n# nothing\n---\n${other}...\n`, 'f').containers).toHaveLength(2);
    const items = [base, other].flatMap((text) => parseSpecs(text, 'f').containers);
    for (const kind of ['List', 'ContainerList'])
      expect(parseSpecs(JSON.stringify({ kind, apiVersion: 'v1', items }), 'f')).toEqual({
        containers: items,
        mistakes: [],
      });
    expect(parseSpecs('{"kind": "List", "items": []}', 'f')).toEqual({ containers: [], mistakes: [] });
  });

  it('may come out of `get -o yaml`, with all that only hob or an API server writes', () => {
    const observed = `  generation: 3
  uid: abc
  creationTimestamp: null
  resourceVersion: "7"
  managedFields: [{manager: x}]
  finalizers: [hob.dev/teardown]
  deletionTimestamp: "2026-01-01T00:00:00Z"
`;
    const status = 'status: {phase: Running, anything: [5]}\n';
    expect(parseSpecs(base.replace('spec:', `${observed}spec:`) + status, 'f')).toEqual(parseSpecs(base, 'f'));
  });

  it('may use a few anchors and aliases', () => {
    const text = `${base}  args: &a [x, y]\n  sysctls: {}\n  plugins:\n    - name: p\n      data: {one: *a, two: *a}\n`;
    expect(parseSpecs(text, 'f').containers[0]?.spec.plugins[0]?.data).toEqual({ one: ['x', 'y'], two: ['x', 'y'] });
  });

  it('keeps whatever plugins and ociPatch are given', () => {
    const text = `${base}  plugins: [{name: p, data: {__proto__: {a: 1}, list: [null, 1.5, "x"]}}]\n  ociPatch: {hooks: null, a: {b: [1]}}\n`;
    const spec = parseSpecs(text, 'f').containers[0]?.spec;
    expect(JSON.stringify(spec?.plugins[0]?.data)).toBe('{"__proto__":{"a":1},"list":[null,1.5,"x"]}');
    expect(spec?.ociPatch).toEqual({ hooks: null, a: { b: [1] } });
  });
});

describe('a text that is no spec', () => {
  it.each([
    ['nothing', '', /^1:1: the file is empty/],
    ['only comments', '# to do\n---\n', /^1:1: the file is empty/],
    [
      'binary content',
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0, 1]),
      /^1:1: the file is not text: it is not UTF-8/,
    ],
    ['UTF-16', Buffer.from(`\uFEFF${base}`, 'utf16le'), /^1:1: the file is not text/],
    ['control characters', 'kind: \x1b[31m', /^1:1: the file is not text: it holds control characters/],
    ['10 MB', Buffer.alloc(10_000_000, 'x'), /^1:1: the file has 9.6 MiB; more than 1 MiB is not read/],
    ['a byte too much', 'x'.repeat(2 ** 20 + 1), /^1:1: the file has 1.1 MiB/],
    ['a list', '[a, b]', /^1:1: expected a Container: .* found a list$/],
    ['a word', 'hello', /^1:1: expected a Container: .* found a string$/],
    ['another kind', 'apiVersion: v1\nkind: Pod\n', /^2:7: kind: expected Container .* found "Pod"$/],
    ['a misspelt kind', 'kind: Contianer\n', /found "Contianer"; did you mean Container\?$/],
    ['a kind that is no word', 'kind: 5\n', /^1:7: kind: .* found the number 5$/],
    ['a List without a list', 'kind: List\nitems: x\n', /^2:8: items: expected a list, found a string$/],
    ['a tab for indentation', `${head}\tspec: {}\n`, /^5:1: there is a tab in the indentation/],
    ['a missing quote', 'kind: "Container\n', /a closing quote or bracket/],
    ['two colons', 'kind: a: b\n', /^1:7: there is a second ": " on this line/],
    ['an indentation that fits nothing', 'a:\n   b: 1\n  c: 2\n', /^3:1: the indentation does not fit/],
    ['a tag', 'kind: !secret x\n', /^1:7: tags \(!\) have no meaning here/],
    ['an alias to nothing', 'kind: *x\n', /^1:7: kind: there is no anchor/],
    ['an alias to itself', 'a: &x\n  b: *x\n', /^2:6: a\.b: there is no anchor/m],
    ['too deep lists', '['.repeat(1000), /^1:\d+: lists and objects are nested too deep/],
    ['too deep objects', Array.from({ length: 1000 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'), /nested too deep/],
    ['deep questions', '? '.repeat(100_000), /nested too deep/],
    ['too much in one file', '- \n'.repeat(200_000) + '-\n'.repeat(100_000), /there is too much in this file/],
  ])('%s', (_, text, message) => {
    const { containers } = parseSpecs(text, 'f');
    expect(containers).toEqual([]);
    expect(mistakes(text).join('\n')).toMatch(message);
  });

  it('a bomb of aliases is refused, not built', () => {
    const levels = 'bcdefghij'
      .split('')
      .map((name, n) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[n]}`).join(', ')}]`);
    expect(mistakes(`a: &a [x, x, x]\n${levels.join('\n')}\n`)).toEqual([
      '1:1: the aliases (*) of this document repeat too much',
    ]);
  });

  it('a document with an error in its syntax does not hide those beside it', () => {
    const { containers, mistakes } = parseSpecs(`a: b: c\n---\n${base}`, 'f');
    expect(containers).toHaveLength(1);
    expect(mistakes).toHaveLength(1);
  });

  it('of a hundred mistakes and more the first hundred are told', () => {
    const told = mistakes(base + Array.from({ length: 300 }, (_, n) => `  zzz${n}: 1\n`).join(''));
    expect(told).toHaveLength(101);
    expect(told.at(-1)).toBe('108:3: there are 200 more mistakes from here on');
  });
});

describe('a mistake in a spec', () => {
  it.each([
    ['an unknown field', 'comand: [x]', '8:3: spec.comand: there is no such field; did you mean command?'],
    ['a field in another case', 'hostName: x', '8:3: spec.hostName: there is no such field; did you mean hostname?'],
    [
      'a field of another level',
      'memory: 64Mi',
      '8:3: spec.memory: there is no such field; did you mean spec.resources.memory?',
    ],
    ['a name for a field', 'environment: []', '8:3: spec.environment: there is no such field; did you mean env?'],
    ['an image', 'image: nginx', '8:3: spec.image: there is no such field'],
    ['a field that is there twice', 'command: [x]', '8:3: spec.command: this field is there already, further up'],
    ['a merge key', '<<: {args: [x]}', '8:3: spec["<<"]: merge keys (<<) are not supported; write the fields out'],
    [
      'a number as a string',
      'user: {uid: "0", gid: 0}',
      '8:15: spec.user.uid: expected a whole number, found "0"; take the quotes away',
    ],
    [
      'a string as a number',
      'args: [80]',
      '8:10: spec.args[0]: expected a string, found the number 80; put it in quotes',
    ],
    [
      'a truth as a string',
      'terminal: "true"',
      '8:13: spec.terminal: expected true or false, found "true"; take the quotes away',
    ],
    ['an old truth', 'terminal: yes', '8:13: spec.terminal: expected true or false, found "yes"'],
    ['nothing', 'args:', '8:8: spec.args: expected a list, found nothing'],
    [
      'a leading 0',
      'terminationGracePeriodSeconds: 010',
      '8:34: spec.terminationGracePeriodSeconds: a number with a leading 0 is read in different ways; if it is a string, put it in quotes, else leave out the 0',
    ],
    [
      'an endless number',
      'terminationGracePeriodSeconds: 1e400',
      '8:34: spec.terminationGracePeriodSeconds: this is not a number that can be used; if it is a string, put it in quotes',
    ],
    [
      'a number too large',
      'plugins: [{name: x, data: 9007199254740993}]',
      '8:29: spec.plugins[0].data: this is too large for a number; if it is a string, put it in quotes',
    ],
    [
      'part of a number',
      'terminationGracePeriodSeconds: 1.5',
      '8:34: spec.terminationGracePeriodSeconds: expected a whole number, found the number 1.5',
    ],
    [
      'a number out of range',
      'log: {maxFiles: 0}',
      '8:19: spec.log.maxFiles: expected a number from 1 to 1000, found the number 0',
    ],
    ['one of none', 'restartPolicy: no', '8:18: spec.restartPolicy: expected Always, OnFailure or Never, found "no"'],
    [
      'one misspelt',
      'desiredState: paused',
      '8:17: spec.desiredState: expected Running, Paused or Stopped, found "paused"; did you mean Paused?',
    ],
    [
      'memory in thousandths',
      'resources: {memory: 64m}',
      '8:23: spec.resources.memory: expected a memory quantity such as 64Mi, found "64m"; "m" is a thousandth of a byte: write M (1000 x 1000) or Mi (1024 x 1024)',
    ],
    [
      'negative memory',
      'resources: {memory: -5}',
      '8:23: spec.resources.memory: expected a memory quantity such as 64Mi, found the number -5; it must not be negative',
    ],
    [
      'little memory',
      'resources: {memory: 1000}',
      '8:23: spec.resources.memory: expected a memory quantity such as 64Mi, found the number 1000; it must be at least 1Mi',
    ],
    [
      'little CPU',
      'resources: {cpuQuota: 1m}',
      '8:25: spec.resources.cpuQuota: expected a CPU quantity such as 500m or 2, found "1m"; it must be between 10m and 10000',
    ],
    [
      'CPUs backwards',
      'resources: {cpus: 3-1}',
      '8:21: spec.resources.cpus: expected a list of CPUs such as 0-1,3, found "3-1"',
    ],
    [
      'swap alone',
      'resources: {swap: 1Gi}',
      '8:15: spec.resources.swap: swap is a limit on top of memory, and memory is not given',
    ],
    [
      'a relative path',
      'workingDir: srv',
      '8:15: spec.workingDir: expected an absolute path (one that begins with /), found "srv"',
    ],
    [
      'a path with ..',
      'log: {path: /var/../etc/x}',
      '8:15: spec.log.path: expected a path without "..", found "/var/../etc/x"',
    ],
    [
      'a signal without SIG',
      'stopSignal: TERM',
      '8:15: spec.stopSignal: expected the name of a signal, such as SIGTERM, found "TERM"; did you mean SIGTERM?',
    ],
    [
      'no capability',
      'capabilities: {add: [NET_ADMN]}',
      '8:24: spec.capabilities.add[0]: expected the name of a capability, such as NET_ADMIN, or ALL, found "NET_ADMN"; did you mean NET_ADMIN?',
    ],
    ['half a user', 'user: {uid: 5}', '8:3: spec.user.gid: it is required, and missing'],
    [
      'a mount of nothing',
      'mounts: [{destination: /x}]',
      '8:12: spec.mounts[0].source: a mount of type bind needs a source',
    ],
    [
      'a relative mount',
      'mounts: [{destination: /x, source: y}]',
      '8:38: spec.mounts[0].source: expected an absolute path (one that begins with /), found "y"',
    ],
    [
      'a mount over all',
      'mounts: [{destination: /, source: /y}]',
      '8:26: spec.mounts[0].destination: nothing can be mounted over the root of the container',
    ],
    [
      'two mounts on one place',
      'mounts: [{destination: /x, source: /y}, {destination: /x/, source: /z}]',
      '8:57: spec.mounts[1].destination: "/x" is there already, as entry 0',
    ],
    [
      'two devices on one place',
      'devices: [{path: /dev/x}, {path: /dev/x}]',
      '8:36: spec.devices[1].path: "/dev/x" is there already, as entry 0',
    ],
    [
      'strange permissions',
      'devices: [{path: /dev/x, permissions: rx}]',
      '8:41: spec.devices[0].permissions: expected some of the letters r, w and m, in this order, found "rx"',
    ],
    [
      'limits upside down',
      'rlimits: [{type: RLIMIT_CORE, soft: -1, hard: 5}]',
      '8:39: spec.rlimits[0].soft: it is above the hard limit (5)',
    ],
    [
      'a limit that is there twice',
      'rlimits: [{type: RLIMIT_CORE, soft: 0, hard: 5}, {type: RLIMIT_CORE, soft: 0, hard: 5}]',
      '8:59: spec.rlimits[1].type: "RLIMIT_CORE" is there already, as entry 0',
    ],
    [
      'a plugin that is there twice',
      'plugins: [{name: a}, {name: b}, {name: a}]',
      '8:42: spec.plugins[2].name: "a" is there already, as entry 0',
    ],
    [
      'a profile that is missing',
      'seccomp: {type: Localhost}',
      '8:3: spec.seccomp.localhostProfile: type Localhost needs the path of a profile',
    ],
    [
      'a profile for nothing',
      'seccomp: {type: Unconfined, localhostProfile: /x}',
      '8:31: spec.seccomp.localhostProfile: it has no meaning with type Unconfined; only with Localhost',
    ],
    [
      'too many ids',
      'userNamespace: {hostUID: 4294967000, hostGID: 5, size: 5000}',
      '8:58: spec.userNamespace.size: the last id would be 4294971999, and Linux has none beyond 4294967294',
    ],
    [
      'a user out of its namespace',
      'userNamespace: {hostUID: 5, hostGID: 5, size: 5}\nuser: {uid: 7, gid: 0}',
      '9:15: spec.user.uid: the user namespace has only the ids 0 to 4',
    ],
    [
      'a kernel parameter of the host',
      'sysctls: {kernel.panic: "1"}',
      '8:13: spec.sysctls["kernel.panic"]: a container has only net.*, fs.mqueue.*, kernel.shm*, kernel.msg*, kernel.sem and kernel.domainname for itself',
    ],
    [
      'a network parameter of the host',
      'network: host\nsysctls: {net.core.somaxconn: "1"}',
      '9:13: spec.sysctls["net.core.somaxconn"]: with network host it would change the host; net.* needs network none',
    ],
    [
      'a number for a kernel parameter',
      'sysctls: {kernel.msgmax: 5}',
      '8:28: spec.sysctls["kernel.msgmax"]: expected a string, found the number 5; put it in quotes',
    ],
    ['a bundle as well', 'bundle: {path: /x}', '8:3: spec.bundle: rootfs is given as well; only one of the two can be'],
    [
      'a hostname that is too long',
      `hostname: ${'a'.repeat(64)}`,
      `8:13: spec.hostname: expected a host name of at most 63 letters, digits, "-" and ".", found "${'a'.repeat(40)}…"`,
    ],
  ])('%s', (_, lines, message) => {
    expect(withLines(`${lines}\n`)).toContain(message);
    expect(parseSpecs(base + lines.replace(/^/gm, '  '), 'f').containers).toEqual([]);
  });

  it.each([
    ['../etc', /expected a name of lower-case letters/],
    ['Web', /expected a name of lower-case letters/],
    ['web_1', /expected a name of lower-case letters/],
    ['-web', /expected a name of lower-case letters/],
    ['web..x', /expected a name of lower-case letters/],
    ['""', /expected a name of lower-case letters/],
    ['a'.repeat(300), /expected at most 128 characters, found "a{40}…" \(300 characters\)/],
    ['5', /expected a string, found the number 5; put it in quotes/],
    [`${'a-'.repeat(100_000)}!`, /expected a name/],
  ])('the name %s', (name, message) => {
    expect(mistakes(base.replace('name: web', `name: ${name}`)).join('\n')).toMatch(message);
  });

  it('a name and a namespace that make too long an id', () => {
    const metadata = `name: ${'a'.repeat(100)}\n  namespace: ${'b'.repeat(40)}`;
    expect(mistakes(base.replace('name: web', metadata))).toEqual([
      '4:9: metadata.name: together with the namespace it has 141 characters, more than 128',
    ]);
  });

  it.each(['/app', 'app/', 'a/b/c', 'Ä', 'x'.repeat(64), 'UPPER.example/app'])('the label %s', (label) => {
    const text = base.replace('spec:', `  labels: {"${label}": x}\nspec:`);
    expect(mistakes(text).join()).toMatch(/^5:12: metadata\.labels.*expected a name such as app or example.org\/app/);
  });

  it.each(['/app', 'a/b/c', 'x'.repeat(64), 'UPPER.example/app'])('the label %s of a node', (label) => {
    expect(withLines(`nodeSelector: {"${label}": x}`).join()).toMatch(
      /^8:18: spec\.nodeSelector.*expected a name such as app or example.org\/app/,
    );
  });

  it.each(['One', '', 'one_two', 'a'.repeat(254)])('the node %s', (name) => {
    expect(withLines(`nodeName: "${name}"`).join()).toMatch(/^8:13: spec\.nodeName: expected /);
  });

  it('the label of a node with a value that no label has', () => {
    expect(withLines('nodeSelector: {disk: "very fast"}').join()).toMatch(/^8:24: spec\.nodeSelector\.disk: expected /);
  });

  it('no root and no command', () => {
    expect(mistakes(`${head}spec: {}\n`)).toEqual([
      '5:1: spec.rootfs: one of rootfs and bundle is required, and both are missing',
      '5:1: spec.command: it is required, and missing: the program to run and its arguments',
    ]);
  });

  it('the name of another container of the file', () => {
    const { containers, mistakes } = parseSpecs(`${base}---\n${base}`, 'f');
    expect(containers).toHaveLength(1);
    expect(mistakes).toEqual([
      {
        origin: 'f',
        line: 12,
        column: 9,
        path: 'metadata.name',
        message: 'container default/web is declared already, further up in this file',
        name: 'web',
        namespace: 'default',
      },
    ]);
  });

  it('without a text there is no line to tell', () => {
    const mistake = { origin: 'kubernetes:default/web', path: 'spec.nope', message: 'there is no such field' };
    expect(formatMistake(mistake)).toBe('kubernetes:default/web: spec.nope: there is no such field');
    expect(formatMistake({ ...mistake, path: '' })).toBe('kubernetes:default/web: there is no such field');
  });

  it('all of a file are told at once, in order, with the container they are in', () => {
    const text = `apiVersion: hob.dev/v2
kind: Container
metadata: {name: web, nmespace: x}
spec:
  rootfs: {path: x}
  env: [{name: A, value: 5}]
---
kind: Container
apiVersion: hob.dev/v1alpha1
metadata: {name: other, namespace: team}
spec: {rootfs: {path: /x}, command: []}
`;
    const { mistakes } = parseSpecs(text, '/etc/hob/web.yaml');
    expect(mistakes.map(formatMistake)).toEqual([
      '/etc/hob/web.yaml:1:13: apiVersion: expected hob.dev/v1alpha1, found "hob.dev/v2"',
      '/etc/hob/web.yaml:3:23: metadata.nmespace: there is no such field; did you mean namespace?',
      '/etc/hob/web.yaml:4:1: spec.command: it is required, and missing: the program to run and its arguments',
      '/etc/hob/web.yaml:5:18: spec.rootfs.path: expected an absolute path (one that begins with /), found "x"',
      '/etc/hob/web.yaml:6:26: spec.env[0].value: expected a string, found a number; put it in quotes',
      '/etc/hob/web.yaml:11:1: spec.command: it is required, and missing: the program to run and its arguments',
    ]);
    expect(mistakes.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
      ...Array(5).fill('default/web'),
      'team/other',
    ]);
  });

  it('in one item of a List leaves the others as they are', () => {
    const good = parseSpecs(base, 'f').containers[0];
    const text = JSON.stringify({ kind: 'List', items: [good, { ...good, spec: { nope: 1 } }, 'x'] }, null, 1);
    const { containers, mistakes } = parseSpecs(text, 'f');
    expect(containers).toEqual([good]);
    expect(mistakes.map(({ path }) => path)).toEqual([
      'items[1].spec.rootfs',
      'items[1].spec.command',
      'items[1].spec.nope',
      'items[2]',
    ]);
  });

  it('points to where a value is written, when an alias brought it', () => {
    expect(mistakes(`${base}  args: &x [5]\n  plugins: [{name: p, data: 1}]\n  capabilities: {add: *x}\n`)).toEqual([
      '8:13: spec.args[0]: expected a string, found the number 5; put it in quotes',
      '8:13: spec.capabilities.add[0]: expected a string, found the number 5; put it in quotes',
    ]);
  });

  it.each([
    'env: [{name: A, value: 31415926}]',
    'env: [{name: A, value: 031415926}]',
    'env: [{name: A, value: 31415926e999}]',
    'env: ["A=31415926"]',
    'env: [{name: "A=31415926"}]',
    'env: "31415926"',
    'env: [{name: A, value: [31415926]}]',
    'env: [{name: A, value: "31415926]',
    'env: [{name: A, value: a: 31415926}]',
    'env: [{name: A, value: "x" 31415926}]',
    'env: [{name: A, value: @31415926}]',
    'env: [{name: A, value: "\\q31415926"}]',
    'env:\n- name: A\n  value: !31415926 x\n 31415926',
  ])('never shows the value of an environment variable: %s', (line) => {
    const told = withLines(line);
    expect(told).not.toEqual([]);
    expect(told.join('\n')).not.toContain('31415926');
  });
});

describe('the id of a container', () => {
  it.each([
    ['default', 'web', 'web', 'default/web'],
    ['team', 'web', 'team_web', 'team/web'],
  ])('%s %s', (namespace, name, id, path) => {
    expect(containerID({ namespace, name })).toBe(id);
    expect(key({ namespace, name })).toBe(path);
  });
});
