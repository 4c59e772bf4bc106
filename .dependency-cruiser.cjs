/**
 * The arrows of the house. Folders stand from the ground up: a folder may import only the folders before it in
 * `floors`, and only through their index.ts. ARCHITECTURE.md has the same table in words.
 */
const floors = [
  'platform',
  'config',
  'http',
  'migrations',
  'tenancy',
  'fleet',
  'events',
  'audit',
  'mail',
  'users',
  'organizations',
  'auth',
  'members',
  'sso',
  'scim',
  'compose',
  'app',
  'cli',
  'main',
]

/** A floor is a folder, or a single file of src. */
const pathOf = (floor) => `^src/${floor}(/|[.]ts$)`

const upward = floors.slice(0, -1).map((floor, index) => ({
  name: `${floor}-knows-nothing-above`,
  comment: `src/${floor} may import only what stands below it. Its tests may use the whole house.`,
  severity: 'error',
  from: { path: pathOf(floor), pathNot: '[.]test[.]ts$' },
  to: { path: floors.slice(index + 1).map(pathOf) },
}))

const doors = floors.map((floor) => ({
  name: `${floor}-has-one-door`,
  comment: `Import src/${floor} through its index.ts.`,
  severity: 'error',
  from: { path: '^src/', pathNot: [pathOf(floor), '[.]test[.]ts$'] },
  to: { path: `^src/${floor}/`, pathNot: `^src/${floor}/index[.]ts$` },
}))

module.exports = {
  forbidden: [
    ...upward,
    ...doors,
    {
      name: 'no-cycles',
      comment: 'Data flows one way.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'events-know-no-feature',
      comment: 'The event machinery serves every feature and must not know one.',
      severity: 'error',
      from: { path: '^src/events/' },
      to: { path: '^src/(users|organizations|auth|fleet|tenancy)/' },
    },
    {
      name: 'source-knows-no-test',
      severity: 'error',
      from: { path: '^src/', pathNot: '[.]test[.]ts$' },
      to: { path: '^(test|bench|scripts)/|[.]test[.]ts$' },
    },
    {
      name: 'acceptance-is-outside',
      comment: 'Acceptance tests and the demo talk HTTP and the command line; they may not import src.',
      severity: 'error',
      from: { path: '^(test/(acceptance|browser)|scripts/demo)(/|[.]ts$)' },
      to: { path: '^src/' },
    },
    {
      name: 'production-needs-only-dependencies',
      severity: 'error',
      from: { path: '^src/', pathNot: '[.]test[.]ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      from: { path: '^(src|test|bench|scripts)/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nobody imports is dead, unless it is where a process begins.',
      severity: 'error',
      from: { orphan: true, pathNot: ['[.]test[.]ts$', '[.]d[.]ts$', '^src/main/', '^scripts/', '^bench/'] },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}
