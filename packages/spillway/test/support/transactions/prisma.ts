// Prisma's client without engines, put together as `prisma generate` does for a schema without models: generating one needs a
// download. Null where Prisma is not installed.

import { createRequire } from 'node:module'
import type { OpenLibrary } from './library.js'

interface PrismaTransaction {
  $executeRaw(sql: TemplateStringsArray, ...values: unknown[]): Promise<number>
  $executeRawUnsafe(sql: string, ...values: unknown[]): Promise<number>
}

export interface PrismaClient extends PrismaTransaction {
  $transaction<T>(work: (tx: PrismaTransaction) => Promise<T>): Promise<T>
  $disconnect(): Promise<void>
}

interface Runtime {
  getPrismaClient(config: object): new (options: object) => PrismaClient
}

type Provider = 'postgresql' | 'mysql'

/** Prisma ends transactions after five seconds unless it is told otherwise, on a busy machine before a test is through with them. */
const PATIENCE = { transactionOptions: { maxWait: 30_000, timeout: 60_000 } }

/** The graph of queries of a schema without models, as bytes. */
const NO_MODELS = Buffer.alloc(16).toString('base64')

const load = createRequire(import.meta.url)

function installed<T>(name: string): T | null {
  try {
    return load(name) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return null
    throw error
  }
}

const runtime = installed<Runtime>('@prisma/client/runtime/client')
const postgresAdapter = installed<{ PrismaPg: new (options: object) => object }>('@prisma/adapter-pg')
const mariaDbAdapter = installed<{ PrismaMariaDb: new (options: object) => object }>(
  '@prisma/adapter-mariadb',
)

function clientClass(provider: Provider, { getPrismaClient }: Runtime) {
  const compiler = `@prisma/client/runtime/query_compiler_fast_bg.${provider}`
  return getPrismaClient({
    previewFeatures: [],
    clientVersion: '7.10.0',
    engineVersion: '',
    activeProvider: provider,
    inlineSchema: `datasource db {\n  provider = "${provider}"\n}\n`,
    runtimeDataModel: { models: {}, enums: {}, types: {} },
    parameterizationSchema: { strings: [], graph: NO_MODELS },
    compilerWasm: {
      getRuntime: async () => load(`${compiler}.js`),
      getQueryCompilerWasmModule: async () => {
        const { wasm } = load(`${compiler}.wasm-base64.js`) as { wasm: string }
        return compiled(Buffer.from(wasm, 'base64'))
      },
      importName: './query_compiler_fast_bg.js',
    },
  })
}

/** Without the types of a browser the compiler does not know this global. */
function compiled(bytes: Uint8Array): unknown {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { Module: new (bytes: Uint8Array) => unknown }
  }
  return new WebAssembly.Module(bytes)
}

function libraryOf(client: PrismaClient, insert: string) {
  return {
    run: <T>(work: (user: { tx: object; order(id: number): Promise<unknown> }) => Promise<T>) =>
      client.$transaction((tx) => work({ tx, order: (id) => tx.$executeRawUnsafe(insert, id) })),
    outside: { 'a Prisma client': client },
    close: () => client.$disconnect(),
  }
}

/** Null where it is not installed. */
export const connectPrismaPostgres: ((url: string) => PrismaClient) | null =
  runtime === null || postgresAdapter === null
    ? null
    : (url) => {
        const Client = clientClass('postgresql', runtime)
        const adapter = new postgresAdapter.PrismaPg({ connectionString: url })
        return new Client({ adapter, errorFormat: 'minimal', ...PATIENCE })
      }

export const openPrismaPostgres: OpenLibrary | null =
  connectPrismaPostgres === null
    ? null
    : async (url) => libraryOf(connectPrismaPostgres(url), 'insert into orders values ($1)')

export const openPrismaMySql: OpenLibrary | null =
  runtime === null || mariaDbAdapter === null
    ? null
    : async (url) => {
        const { hostname, port, username, password, pathname } = new URL(url)
        const adapter = new mariaDbAdapter.PrismaMariaDb({
          host: hostname,
          port: Number(port),
          user: decodeURIComponent(username),
          password: decodeURIComponent(password),
          database: pathname.slice(1),
        })
        const Client = clientClass('mysql', runtime)
        return libraryOf(
          new Client({ adapter, errorFormat: 'minimal', ...PATIENCE }),
          'insert into orders values (?)',
        )
      }
