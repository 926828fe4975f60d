// PostgreSQL for tests. Everybody on the loopback interface is trusted: the password in the URL is there so that tests can
// check that it never appears anywhere.

import { join } from 'node:path'
import pg from 'pg'
import { program } from './binaries.js'
import { type Certificate, type CertificateFiles, writeCertificate } from './certificate.js'
import { type Databases, type TestDatabase, urlOfDatabase } from './databases.js'
import { initialise } from './initialise.js'
import { launch, PrivateServer, type ServerSpec } from './private-server.js'
import { randomName } from './random-name.js'
import { makeScratchFolder, removeScratchFolder, runAs } from './run-as.js'
import type { SupervisedProcess } from './supervised-process.js'

const USER = 'spillway'
const PASSWORD = 'test-bed-secret'
const INITDB_OPTIONS = ['--no-sync', '--no-locale', '--no-instructions', '--encoding=UTF8', '--auth=trust']
const CONNECT_TIMEOUT_MS = 20_000
const SETTINGS = { max_connections: '300', jit: 'off', max_wal_senders: '0', wal_level: 'minimal' }
// A commit is still written to the file: what was committed survives a kill, though not a power cut.
const WITHOUT_FSYNC = { fsync: 'off', full_page_writes: 'off' }

export interface StartPostgresOptions {
  /** Whether commits reach the disk. Default true. */
  readonly fsync?: boolean
  /** Settings as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Connections may be encrypted then. */
  readonly certificate?: Certificate
  /** Default: a free one. */
  readonly port?: number
  /** Size of a small disk for createSmallDatabase(). */
  readonly smallDiskBytes?: number
}

export class PostgresServer extends PrivateServer implements Databases {
  static override async start(spec: ServerSpec): Promise<PostgresServer> {
    const [port, process]: [number, SupervisedProcess] = await launch(spec)
    return new PostgresServer(spec, port, process)
  }

  createDatabase(name?: string): Promise<TestDatabase> {
    return createPostgresDatabase(this.url, name)
  }

  /** A database whose tables are on the small disk; the log of changes is elsewhere and has room. */
  async createSmallDatabase(): Promise<TestDatabase> {
    const location = pg.escapeLiteral(smallDiskOf(this.folder))
    await onPostgres({ connectionString: this.url }, (client) =>
      client.query(`create tablespace small_disk location ${location}`),
    )
    return createPostgresDatabase(this.url, randomName('test'), 'tablespace small_disk')
  }
}

export async function startPostgres(options: StartPostgresOptions = {}): Promise<PostgresServer> {
  const user = runAs(['postgres'])
  const folder = makeScratchFolder('postgres', user)
  const data = join(folder, 'data')
  try {
    await initialise(program('postgres', 'initdb'), ['-D', data, '-U', USER, ...INITDB_OPTIONS], user)
  } catch (error) {
    removeScratchFolder(folder)
    throw error
  }
  const { fsync = true, settings = {}, certificate, smallDiskBytes } = options
  const tls = certificate === undefined ? {} : tlsSettings(writeCertificate(folder, user, certificate))
  const all = { ...SETTINGS, ...(fsync ? {} : WITHOUT_FSYNC), ...tls, ...settings }
  return PostgresServer.start({
    ...{ name: 'postgres', user, folder, port: options.port, stopSignal: 'SIGINT' },
    smallDisk: smallDiskBytes === undefined ? null : { path: smallDiskOf(folder), bytes: smallDiskBytes },
    command: (port) => [
      program('postgres', 'postgres'),
      ...['-D', data, '-k', folder, '-h', '127.0.0.1', '-p', String(port)],
      ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    url: (port) => `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`,
    connects: (port) => connectsToPostgres({ host: folder, port, user: USER, database: 'postgres' }),
  })
}

function tlsSettings({ certFile, keyFile }: CertificateFiles): Readonly<Record<string, string>> {
  return { ssl: 'on', ssl_cert_file: certFile, ssl_key_file: keyFile }
}

export async function createPostgresDatabase(
  url: string,
  name = randomName('test'),
  where = '',
): Promise<TestDatabase> {
  const quoted = pg.escapeIdentifier(name)
  await onPostgres({ connectionString: url }, (client) => client.query(`create database ${quoted} ${where}`))
  return {
    name,
    url: urlOfDatabase(url, name),
    async drop() {
      await onPostgres({ connectionString: url }, (client) =>
        client.query(`drop database if exists ${quoted} with (force)`),
      )
    },
  }
}

function smallDiskOf(folder: string): string {
  return join(folder, 'small-disk')
}

export function connectsToPostgres(config: pg.ClientConfig): Promise<void> {
  return onPostgres(config, async () => undefined)
}

async function onPostgres<T>(config: pg.ClientConfig, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
