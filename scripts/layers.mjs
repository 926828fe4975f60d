// The layer tables: which folder of a package's src may import which, and which folders own an npm
// package or a Node module. They are data so that the check (check-layers.mjs) and a reader see the same
// thing. Change them together with ARCHITECTURE.md, and only with a reason.

const CORE = ['domain', 'errors', 'ports']
const DELIVERY = [
  'intake',
  'channels',
  'worker',
  'maintenance',
  'sinks',
  'callbacks',
  'operations',
  'group-commit',
  'landing',
  'journal',
  'agent',
]
const BROKERS = ['brokers/rabbitmq', 'brokers/nats', 'brokers/kafka', 'brokers/redis']
const STORES = ['stores/memory', 'stores/sqlite', 'stores/postgres', 'stores/mysql']
const COMPOSED = [...CORE, ...DELIVERY, 'runtime', 'telemetry', 'config', 'app']

/** Folder -> the folders it may import besides itself. `index.ts` stands for the package's entry file. */
export const LAYERS = {
  domain: [],
  errors: [],
  ports: ['domain', 'errors'],
  'group-commit': CORE,
  landing: CORE,
  intake: [...CORE, 'config', 'group-commit'],
  channels: [...CORE, 'config', 'group-commit', 'journal'],
  journal: CORE,
  agent: [...CORE, 'config', 'journal', 'landing'],
  worker: [...CORE, 'config', 'group-commit', 'landing'],
  maintenance: [...CORE, 'config'],
  sinks: [...CORE, 'config'],
  callbacks: [...CORE, 'config'],
  operations: [...CORE, 'config'],
  runtime: CORE,
  telemetry: CORE,
  'stores/memory': CORE,
  'stores/sqlite': CORE,
  'stores/postgres': CORE,
  'stores/mysql': CORE,
  'brokers/driver': [...CORE, 'config'],
  'brokers/rabbitmq': [...CORE, 'config', 'brokers/driver'],
  'brokers/nats': [...CORE, 'config', 'brokers/driver'],
  'brokers/kafka': [...CORE, 'config', 'brokers/driver'],
  'brokers/redis': [...CORE, 'config', 'brokers/driver'],
  config: CORE,
  app: COMPOSED,
  http: [...CORE, 'config', 'app'],
  cli: [...COMPOSED, ...STORES, ...BROKERS, 'http', 'index.ts'],
  testing: [...COMPOSED, ...STORES, ...BROKERS, 'index.ts'],
  'index.ts': [...CORE, 'app', 'callbacks', 'config', 'sinks', 'channels'],
}

/** npm package -> the layers that may import it. A package that is missing here may not be imported at all. */
export const PACKAGES = {
  '@nats-io/jetstream': ['brokers/nats'],
  '@nats-io/transport-node': ['brokers/nats'],
  '@photostructure/sqlite': ['stores/sqlite'],
  '@standard-schema/spec': ['ports', 'config', 'intake', 'app', 'index.ts'],
  amqplib: ['brokers/rabbitmq'],
  citty: ['cli'],
  fastify: ['http'],
  ioredis: ['brokers/redis'],
  'ipaddr.js': ['callbacks'],
  jiti: ['config', 'channels', 'cli'],
  kafkajs: ['brokers/kafka'],
  mysql2: ['stores/mysql', 'testing'],
  pg: ['stores/postgres', 'testing'],
  'pg-copy-streams': ['stores/postgres'],
  pino: ['telemetry'],
  piscina: ['channels', 'worker'],
  'prom-client': ['telemetry'],
  undici: ['callbacks'],
  uuidv7: ['runtime'],
  zod: ['config', 'http', 'cli'],
}

/** Node module -> the layers that may import it. Modules that are missing here are free to all but PURE layers. */
export const NODE_MODULES = {
  child_process: ['cli', 'testing'],
  dns: ['callbacks'],
  'dns/promises': ['callbacks'],
  fs: ['config', 'journal', 'stores/sqlite', 'cli', 'testing'],
  'fs/promises': ['config', 'journal', 'stores/sqlite', 'cli', 'testing'],
  http: ['http', 'cli', 'testing'],
  https: ['cli'],
  os: ['runtime', 'cli', 'testing'],
  perf_hooks: ['runtime'],
  process: ['cli'],
  sqlite: ['stores/sqlite'],
  timers: ['runtime'],
  'timers/promises': ['runtime'],
  worker_threads: ['channels', 'worker', 'runtime', 'cli', 'testing'],
}

/** Layer without IO -> the only Node modules it may import. */
export const PURE = {
  domain: ['crypto'],
  errors: [],
  ports: [],
}

/**
 * @typedef {object} LayerTable
 * @property {Record<string, string[]>} layers Empty for a package that is one layer.
 * @property {Record<string, string[]>} packages
 * @property {Record<string, string[]>} nodeModules
 * @property {Record<string, string[]>} pure
 */

/** @type {LayerTable} */
export const SPILLWAY = { layers: LAYERS, packages: PACKAGES, nodeModules: NODE_MODULES, pure: PURE }

/** The test bed is one layer; its owners are files. @type {LayerTable} */
export const TEST_BED = {
  layers: {},
  packages: { mysql2: ['mariadb.ts', 'session.ts'], pg: ['postgres.ts', 'session.ts'] },
  nodeModules: {
    child_process: ['initialise.ts', 'small-disk.ts', 'supervised-process.ts'],
    net: ['first-answer.ts', 'loopback-port.ts', 'shared-host.ts'],
    os: ['run-as.ts'],
  },
  pure: {},
}
