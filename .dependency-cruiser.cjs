// Which part of hob may import which. A part is a folder of src/, machines/, or a folder of plugins/.

/** For each part of src/, the other parts that it may import. `cli` starts the daemon for `hob run`, and nothing else of it. */
const arrows = {
  cli: ['api', 'daemon', 'sources', 'host'],
  daemon: ['api', 'sources', 'controller', 'lifecycle', 'hooks', 'runtime', 'rootfs', 'journal', 'host'],
  sources: ['api', 'controller/queue', 'host'],
  controller: ['api', 'host'],
  lifecycle: ['api', 'hooks', 'runtime', 'rootfs', 'journal', 'host'],
  hooks: ['host'],
  runtime: ['api', 'keeper/protocol', 'host'],
  rootfs: ['host'],
  journal: ['hooks/plugin', 'host'],
  api: [],
  host: [],
  keeper: [],
};

/** The parts that know the lifecycle machine as code; its types may be had by all that may have the contracts. */
const driveTheMachine = ['controller', 'lifecycle', 'daemon'];

/** Interfaces between parts. Only their types may be imported from afar. */
const contracts =
  '^src/(api/|hooks/plugin\\.ts|sources/source\\.ts|runtime/runtime\\.ts|journal/journal\\.ts)|^machines/';
const publicToPlugins = '^src/hooks/(plugin|hint-flags|data|testing)\\.ts$';

const own = (part) => `^src/${part}/`;
const anyOf = (parts) => `^src/(${parts.map((part) => (part.includes('/') ? `${part}\\.ts` : `${part}/`)).join('|')})`;

const arrowRules = Object.entries(arrows).map(([part, others]) => ({
  name: `${part}-imports-only`,
  comment: `${part} may import ${others.join(', ') || 'no other part'}, and types of the contracts between parts.`,
  severity: 'error',
  from: { path: own(part) },
  to: {
    path: '^src/',
    pathNot: [own(part), ...(others.length > 0 ? [anyOf(others)] : [])],
    dependencyTypesNot: ['type-only'],
  },
}));

const typeRules = Object.entries(arrows).map(([part, others]) => ({
  name: `${part}-types-only-from`,
  comment: `${part} may have types of the contracts between parts, and of what it imports anyway.`,
  severity: 'error',
  from: { path: own(part) },
  to: {
    path: '^src/',
    pathNot: [own(part), contracts, ...(others.length > 0 ? [anyOf(others)] : [])],
    dependencyTypes: ['type-only'],
  },
}));

module.exports = {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^hob/(plugin|hint-flags|data|testing)$' },
    },
    ...arrowRules,
    ...typeRules,
    {
      name: 'machines-are-pure',
      comment: 'The machine does nothing to the host: no part of src but its types, and no module of Node.',
      severity: 'error',
      from: { path: '^machines/', pathNot: '^machines/draw\\.ts$' },
      to: { path: '^src/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'machines-do-no-io',
      severity: 'error',
      from: { path: '^machines/', pathNot: '^machines/draw\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'machine-has-few-drivers',
      severity: 'error',
      from: { path: '^src/', pathNot: anyOf(driveTheMachine) },
      to: { path: '^machines/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'keeper-stands-alone',
      comment: 'The keeper outlives hob and stays small: modules of Node and its own.',
      severity: 'error',
      from: { path: own('keeper') },
      to: { pathNot: own('keeper'), dependencyTypesNot: ['core', 'type-only'] },
    },
    {
      name: 'kubernetes-library-in-its-own-process',
      comment:
        'It takes as much memory as all of hob: the program that reads kubeconfigs has it, and hob has what comes of it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/sources/kubernetes/credentials/kubeconfig\\.ts$' },
      to: { path: '@kubernetes/client-node', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'kubeconfigs-in-their-own-process',
      severity: 'error',
      from: { pathNot: '^src/sources/kubernetes/credentials/main\\.ts$' },
      to: { path: '^src/sources/kubernetes/credentials/(main|kubeconfig)\\.ts$' },
    },
    {
      name: 'plugins-use-the-public-interface',
      severity: 'error',
      from: { path: '^plugins/([^/]+)/' },
      to: { path: '^(src|machines|test)/', pathNot: publicToPlugins },
    },
    {
      name: 'plugins-stand-alone',
      severity: 'error',
      from: { path: '^plugins/([^/]+)/([^/]+)/' },
      to: { path: '^plugins/', pathNot: '^plugins/$1/($2/|[^/]+$)' },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { path: '^(src|machines|plugins)/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-development-package',
      comment: 'What runs must be there without the development packages.',
      severity: 'error',
      from: { path: '^(src|machines|plugins)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    // Imports of types count as well.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    moduleSystems: ['es6'],
    // For the names that package.json exports to plugins.
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
    // Younger than the list that the tool brings along.
    builtInModules: { add: ['ffi'] },
  },
};
