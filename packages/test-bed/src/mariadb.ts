// MariaDB for tests, with one user who may do everything.

import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { program } from './binaries.js'
import { type Certificate, type CertificateFiles, writeCertificate } from './certificate.js'
import { type Databases, type TestDatabase, urlOfDatabase } from './databases.js'
import { initialise } from './initialise.js'
import { launch, PrivateServer, type ServerSpec } from './private-server.js'
import { randomName } from './random-name.js'
import { makeScratchFolder, removeScratchFolder, runAs } from './run-as.js'

const USER = 'spillway'
const PASSWORD = 'test-bed-secret'
const FIRST_DATABASE = 'spillway_test'
const INSTALL_OPTIONS = [
  '--no-defaults',
  '--skip-test-db',
  '--skip-name-resolve',
  '--auth-root-authentication-method=normal',
]
const CONNECT_TIMEOUT_MS = 20_000
const SETTINGS = {
  'max-connections': '300',
  'max-allowed-packet': '64M',
  'character-set-server': 'utf8mb4',
  'innodb-log-file-size': '48M',
}
const WITHOUT_FSYNC = { 'innodb-flush-method': 'nosync', 'sync-frm': '0' }

export interface StartMariaDbOptions {
  /** Whether commits reach the disk. Default true. */
  readonly fsync?: boolean
  /** Options of mariadbd without the leading dashes. */
  readonly settings?: Readonly<Record<string, string>>
  /** Connections may be encrypted then. */
  readonly certificate?: Certificate
  /** Default: a free one. */
  readonly port?: number
  /** Room for all tables together. */
  readonly smallDiskBytes?: number
}

export class MariaDbServer extends PrivateServer implements Databases {
  static override async start(spec: ServerSpec): Promise<MariaDbServer> {
    const [port, process] = await launch(spec)
    return new MariaDbServer(spec, port, process)
  }

  createDatabase(name?: string): Promise<TestDatabase> {
    return createMariaDbDatabase(this.url, name)
  }

  /** A database with the rest of the server's small room. */
  createSmallDatabase(): Promise<TestDatabase> {
    return this.createDatabase()
  }
}

export async function startMariaDb(options: StartMariaDbOptions = {}): Promise<MariaDbServer> {
  const user = runAs(['mysql'])
  const folder = makeScratchFolder('mariadb', user)
  const { fsync = true, settings = {}, certificate, smallDiskBytes } = options
  const tls = certificate === undefined ? {} : tlsSettings(writeCertificate(folder, user, certificate))
  const data = join(folder, 'data')
  const room = smallDiskBytes === undefined ? {} : inOneFile(smallDiskBytes)
  // A server clears its folder of temporary tables when it starts: in a common one, of other servers' too.
  const places = [`--datadir=${data}`, `--tmpdir=${folder}`]
  const socket = join(folder, 'mariadb.sock')
  const firstStatements = join(folder, 'init.sql')
  try {
    await initialise(
      program('mariadb', 'mariadb-install-db'),
      [...INSTALL_OPTIONS, ...places, ...flags(room)],
      user,
    )
    writeFileSync(firstStatements, grants())
    if (user !== null) chownSync(firstStatements, user.uid, user.gid)
  } catch (error) {
    removeScratchFolder(folder)
    throw error
  }
  return MariaDbServer.start({
    ...{ name: 'mariadb', user, folder, port: options.port, stopSignal: 'SIGTERM' },
    command: (port) => [
      ...[program('mariadb', 'mariadbd'), '--no-defaults', ...places],
      ...[`--socket=${socket}`, `--pid-file=${join(folder, 'mariadb.pid')}`],
      ...[
        '--bind-address=127.0.0.1',
        `--port=${port}`,
        '--skip-name-resolve',
        `--init-file=${firstStatements}`,
      ],
      ...flags({ ...SETTINGS, ...(fsync ? {} : WITHOUT_FSYNC), ...room, ...tls, ...settings }),
    ],
    url: (port) => `mysql://${USER}:${PASSWORD}@127.0.0.1:${port}/${FIRST_DATABASE}`,
    connects: () => onMariaDb({ socketPath: socket, user: USER, password: PASSWORD }, async () => undefined),
  })
}

function tlsSettings({ certFile, keyFile }: CertificateFiles): Readonly<Record<string, string>> {
  return { 'ssl-cert': certFile, 'ssl-key': keyFile }
}

export async function createMariaDbDatabase(url: string, name = randomName('test')): Promise<TestDatabase> {
  const quoted = mysql.escapeId(name)
  await onMariaDb({ uri: url }, (connection) => connection.query(`create database ${quoted}`))
  return {
    name,
    url: urlOfDatabase(url, name),
    async drop() {
      await onMariaDb({ uri: url }, (connection) => connection.query(`drop database if exists ${quoted}`))
    },
  }
}

/** MariaDB kills itself when its disk is full; a file of tables that may not grow is full in the same words. */
function inOneFile(bytesMax: number): Record<string, string> {
  return {
    'innodb-file-per-table': '0',
    // Elsewhere, so that there is room to undo and to drop things.
    'innodb-undo-tablespaces': '2',
    'innodb-data-file-path': `ibdata1:12M:autoextend:max:${Math.ceil(bytesMax / 1024 / 1024)}M`,
  }
}

function flags(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
}

function grants(): string {
  const accounts = ['127.0.0.1', 'localhost'].map((host) => `'${USER}'@'${host}'`)
  return [
    `create database if not exists ${FIRST_DATABASE};`,
    ...accounts.flatMap((account) => [
      `create user if not exists ${account} identified by '${PASSWORD}';`,
      `grant all privileges on *.* to ${account} with grant option;`,
    ]),
    '',
  ].join('\n')
}

async function onMariaDb<T>(
  options: mysql.ConnectionOptions,
  work: (connection: mysql.Connection) => Promise<T>,
): Promise<T> {
  const connection = await mysql.createConnection({ ...options, connectTimeout: CONNECT_TIMEOUT_MS })
  try {
    return await work(connection)
  } finally {
    await connection.end().catch(() => undefined)
  }
}
