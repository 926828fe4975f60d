// PgBouncer in front of a PostgreSQL server, as many hosted databases have it.

import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from './binaries.js'
import { type Databases, type TestDatabase, urlAtPort } from './databases.js'
import { connectsToPostgres } from './postgres.js'
import { launch, PrivateServer, type ServerSpec } from './private-server.js'
import { makeScratchFolder, runAs } from './run-as.js'
import type { SupervisedProcess } from './supervised-process.js'

export interface StartPgBouncerOptions {
  readonly postgres: Databases
  /** Default transaction. */
  readonly poolMode?: 'session' | 'transaction' | 'statement'
  /** Settings as in the section [pgbouncer] of its file. */
  readonly settings?: Readonly<Record<string, string>>
  /** Default: a free one. */
  readonly port?: number
}

/** Databases are made on the server itself and reached through PgBouncer. */
export class PgBouncerServer extends PrivateServer implements Databases {
  readonly #behind: Databases

  private constructor(spec: ServerSpec, port: number, process: SupervisedProcess, behind: Databases) {
    super(spec, port, process)
    this.#behind = behind
  }

  static async inFrontOf(behind: Databases, spec: ServerSpec): Promise<PgBouncerServer> {
    const [port, process] = await launch(spec)
    return new PgBouncerServer(spec, port, process, behind)
  }

  async createDatabase(name?: string): Promise<TestDatabase> {
    const database = await this.#behind.createDatabase(name)
    return { ...database, url: urlAtPort(database.url, this.port) }
  }
}

export function startPgBouncer(options: StartPgBouncerOptions): Promise<PgBouncerServer> {
  const user = runAs(['postgres'])
  const folder = makeScratchFolder('pgbouncer', user)
  const file = join(folder, 'pgbouncer.ini')
  return PgBouncerServer.inFrontOf(options.postgres, {
    ...{ name: 'pgbouncer', user, folder, port: options.port, stopSignal: 'SIGTERM' },
    command(port) {
      writeFileSync(file, configuration(options, port, folder))
      if (user !== null) chownSync(file, user.uid, user.gid)
      return [program('pgbouncer', 'pgbouncer'), file]
    },
    url: (port) => urlAtPort(options.postgres.url, port),
    connects: (port) =>
      connectsToPostgres({ host: folder, port, user: userOf(options.postgres.url), database: 'postgres' }),
  })
}

function configuration(options: StartPgBouncerOptions, port: number, folder: string): string {
  const target = new URL(options.postgres.url)
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: folder,
    auth_type: 'any',
    pool_mode: options.poolMode ?? 'transaction',
    max_client_conn: '1000',
    default_pool_size: '20',
    ignore_startup_parameters: 'extra_float_digits',
    ...options.settings,
  }
  const user = userOf(options.postgres.url)
  const password = decodeURIComponent(target.password)
  return [
    '[databases]',
    `* = host=${target.hostname} port=${target.port || '5432'} user=${user} password=${password}`,
    '[pgbouncer]',
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
    '',
  ].join('\n')
}

function userOf(url: string): string {
  return decodeURIComponent(new URL(url).username)
}
