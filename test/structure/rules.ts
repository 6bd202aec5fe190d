/** What a place in the tree may import. It may always import itself, never another room. */
export interface Allowed {
  /** Values and types. */
  readonly from: readonly string[];
  /** Types only. */
  readonly types?: readonly string[];
  /** Only by `import()`, when used. */
  readonly lazily?: readonly string[];
}

/** The places of the tree; the first pattern that fits names the place. */
export const places: readonly (readonly [RegExp, string])[] = [
  [/^src\/services\/[^/]+\/start\.ts$/, 'start'],
  [/^src\/services\/[^/]+\/main\.ts$/, 'main'],
  [/^src\/services\/[^/]+\//, 'room'],
  [/^src\/services\//, 'services'],
  [/^src\/postal-stand-in\/(start|main)\.ts$/, 'stand-in start'],
  [/^src\/cli\/main\.ts$/, 'cli main'],
  [/^src\/cli\//, 'cli'],
  [/^src\/runtime(\.ts$|\/)/, 'runtime'],
  [/^src\/domain\//, 'domain'],
  [/^src\/config\//, 'config'],
  [/^src\/store\//, 'store'],
  [/^src\/adapters\//, 'adapters'],
  [/^src\/upkeep\//, 'upkeep'],
  [/^src\/operations\//, 'operations'],
  [/^src\/sandbox\//, 'sandbox'],
  [/^src\/postal-stand-in\//, 'stand-in'],
];

const cli: Allowed = {
  from: ['domain', 'config', 'operations', 'runtime'],
  types: ['adapters', 'sandbox'],
  lazily: ['main', 'sandbox'],
};
const assembled = ['domain', 'config', 'store', 'upkeep', 'services', 'adapters', 'room'];

/** Who may import whom. */
export const layers: Readonly<Record<string, Allowed>> = {
  domain: { from: [] },
  config: { from: ['domain'] },
  store: { from: ['domain'], types: ['adapters'] },
  adapters: { from: ['domain'], types: ['config'] },
  upkeep: { from: ['domain', 'store'], types: ['adapters', 'config'] },
  operations: { from: ['domain', 'store', 'config', 'upkeep'], types: ['adapters', 'runtime'] },
  services: { from: ['domain', 'store', 'upkeep'], types: ['adapters', 'config'] },
  room: { from: ['domain', 'store', 'upkeep', 'services'], types: ['adapters', 'config'] },
  start: { from: assembled },
  main: { from: [...assembled, 'start'] },
  'stand-in': { from: ['domain'], types: ['adapters', 'config'] },
  'stand-in start': { from: ['domain', 'config', 'adapters', 'stand-in'], types: ['services'] },
  sandbox: {
    from: ['domain', 'config', 'upkeep', 'adapters', 'stand-in', 'stand-in start', 'start'],
    types: ['services'],
  },
  runtime: { from: ['domain', 'config', 'adapters'] },
  cli,
  'cli main': { ...cli, from: [...cli.from, 'adapters', 'cli'] },
};

/** One operation may call another; every such edge stands here, as `caller → called`. */
export const operationEdges: readonly string[] = [
  'backup → journal',
  'domains → postal',
  'keys → backup',
  'keys → postal',
  'e2e → postal',
  'stack → backup',
  'stack → domains',
  'stack → postal',
  'stack → scaffold',
  'stack → schedule',
  'stack → tls',
  'status → backup',
  'status → keys',
  'status → schedule',
  'status → stack',
  'status → tls',
  'trace → journal',
  'trace → status',
  'upgrade → backup',
  'upgrade → stack',
];

/** Each package has one home; zod parses at several edges. A package without a line here may not be imported at all. */
export const homes: Readonly<Record<string, RegExp>> = {
  '@fastify/swagger': /^src\/services\/api\//,
  'age-encryption': /^src\/adapters\/age\.ts$/,
  chalk: /^src\/cli\//,
  commander: /^src\/cli\//,
  dockerode: /^src\/adapters\/docker\.ts$/,
  dotenv: /^src\/config\/(load|env-file)\.ts$/,
  execa: /^src\/adapters\/exec\.ts$/,
  fastify: /^src\/(services\/api|postal-stand-in)\//,
  'fastify-type-provider-zod': /^src\/services\/api\//,
  inquirer: /^src\/cli\/prompts\.ts$/,
  ioredis: /^src\/adapters\/redis\.ts$/,
  mailauth: /^src\/adapters\//,
  mailsplit: /^src\/(adapters|services\/relay|postal-stand-in)\//,
  mysql2: /^src\/adapters\/mariadb\.ts$/,
  'node-cron': /^src\/services\/scheduler\//,
  'node-forge': /^src\/adapters\/certificate\.ts$/,
  nodemailer: /^src\/(adapters|postal-stand-in)\//,
  pg: /^src\/adapters\/postgres\.ts$/,
  pino: /^src\/adapters\/log\.ts$/,
  'postal-mime': /^src\/adapters\/read-mail\.ts$/,
  'prom-client': /^src\/services\/metrics\.ts$/,
  s3mini: /^src\/adapters\/object-store\.ts$/,
  standardwebhooks: /^src\/adapters\//,
  undici: /^src\/adapters\/http\.ts$/,
  zod: /^src\/(config|adapters|services|operations|upkeep|postal-stand-in)\//,
};

/** What of Node is not for everyone. The domain is pure: it uses only what computes. */
export const nodeHomes: readonly {
  readonly module: RegExp;
  readonly only: RegExp;
  readonly why: string;
}[] = [
  {
    module: /^node:child_process$/,
    only: /^src\/adapters\//,
    why: 'processes are started by adapters',
  },
  {
    module: /^node:process$/,
    only: /^src\/adapters\/|\/main\.ts$/,
    why: 'only main.ts and adapters touch the process',
  },
  {
    module: /^node:(?!buffer$|crypto$|util$|zlib$|url$|net$)/,
    only: /^(?!src\/domain\/)/,
    why: 'the domain is pure',
  },
];

const adapters = /^src\/adapters\//;

/** What only certain files may touch, as it is written in them. */
export const hiddenInputs: readonly {
  readonly touch: RegExp;
  readonly only: RegExp;
  readonly why: string;
}[] = [
  {
    touch: /^process$/,
    only: /^src\/adapters\/|\/main\.ts$/,
    why: 'only main.ts and adapters touch the process',
  },
  {
    touch: /^(Date\.now|new Date|performance\.now)$/,
    only: adapters,
    why: 'time comes from adapters/clock.ts',
  },
  {
    touch: /^(Math\.random|random(Bytes|UUID|Int)|getRandomValues)$/,
    only: adapters,
    why: 'randomness comes from adapters/random.ts',
  },
  {
    touch: /^a fixed time/,
    only: /^src\/(config|postal-stand-in|sandbox)\//,
    why: 'every length of time is a variable (only the stand-in keeps those of Postal, and the sandbox starts without any)',
  },
];

/** What tests do not do. */
export const testHabits: readonly { readonly touch: RegExp; readonly why: string }[] = [
  { touch: /^vi\.(mock|doMock)$/, why: 'modules are not mocked: bring a fake with state' },
  { touch: /^sleep$/, why: 'tests wait for a condition with a deadline, not for time' },
];

/** Drawers have no subject, so everything fits in them and nothing is found. */
export const drawers = /^(utils?|helpers?|common|shared|types?|constants?|misc|lib|index)$/;
export const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*$/;
export const vagueVerb = /^(get|handle|process|manage|do)(?=[A-Z]|$)/;
export const longestDoc = 3;

/** Text that is a statement for a database; transaction brackets (`begin`) are not meant. */
export const sql =
  /^\s*(select\s[\s\S]*\sfrom\s|select\s+(\d|\w+\()|with\s+\w+\s+as\s*\(|insert\s+into\s|update\s+[\w.]+(\s+\w+)?\s+set\s|delete\s+from\s|(create|alter|drop)\s+(table|(unique\s+)?index|view|function|type|schema|role|database|extension)\s|truncate\s+\w)/;

/** What may stand at the top of the repository, besides dotfiles and what git ignores. */
export const topLevel = [
  'src',
  'bin',
  'templates',
  'test',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'README.md',
  'CHANGELOG.md',
];
