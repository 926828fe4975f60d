// What the server must be and be set to, checked when a store opens: a setting that would lose acknowledged commands is refused
// before there are any.

import { SpillwayError } from '../../errors/index.js'
import type { Connection } from './connection.js'
import { STATEMENT_BYTES_MAX } from './sql-text.js'

export type Synchronous = 'full' | 'normal'

export interface ServerFacts {
  readonly version: string
  readonly flushAtCommit: number
  readonly binlog: 'off' | 'STATEMENT' | 'MIXED' | 'ROW'
  readonly syncBinlog: number
  readonly maxAllowedPacket: number
  readonly engines: readonly string[]
  readonly flushMethod: string
  readonly readOnly: boolean
  readonly connectionsMax: number
  /** By one user; null for no limit. */
  readonly userConnectionsMax: number | null
  readonly connectionsUsed: number
}

/** Why a server will not do. */
interface Misfit {
  /** Goes on after the name of the database. */
  readonly found: string
  readonly advice: string
}

type Misfits = Readonly<Record<'version' | 'engine' | 'binlog' | 'packet' | 'durability', Misfit | null>>

/** Not every server has every variable. */
const VARIABLES = `
show global variables where variable_name in
  ('version', 'innodb_flush_log_at_trx_commit', 'log_bin', 'binlog_format', 'sync_binlog', 'max_allowed_packet',
  'innodb_flush_method', 'read_only', 'max_connections', 'max_user_connections')`

const CONNECTIONS_USED = "show global status like 'Threads_connected'"

/** Engines of tables of the store that are not InnoDB. */
const OTHER_ENGINES = `
select table_name as name, engine from information_schema.tables
where table_schema = database() and table_name like 'spillway\\_%' and table_type = 'BASE TABLE' and engine <> 'InnoDB'`

export async function readServer(connection: Connection): Promise<ServerFacts> {
  const [variables, engines, used] = await connection.send([VARIABLES, OTHER_ENGINES, CONNECTIONS_USED])
  const values = new Map((variables?.rows ?? []).map((row) => [row.Variable_name, String(row.Value)]))
  return {
    version: values.get('version') ?? '',
    flushAtCommit: Number(values.get('innodb_flush_log_at_trx_commit') ?? 1),
    binlog: values.get('log_bin') === 'ON' ? ((values.get('binlog_format') ?? 'ROW') as 'ROW') : 'off',
    syncBinlog: Number(values.get('sync_binlog') ?? 1),
    maxAllowedPacket: Number(values.get('max_allowed_packet')),
    engines: (engines?.rows ?? []).map(({ name, engine }) => `${name} (${engine})`),
    flushMethod: values.get('innodb_flush_method') ?? '',
    readOnly: values.get('read_only') === 'ON',
    connectionsMax: Number(values.get('max_connections')),
    userConnectionsMax: Number(values.get('max_user_connections') ?? 0) || null,
    connectionsUsed: Number(used?.rows[0]?.Value ?? 0),
  }
}

const MARIADB_MIN = [10, 6]
const MYSQL_MIN = [8, 0]

/** Throws `store_incompatible` and says what to set. */
export function assertServer(server: ServerFacts, synchronous: Synchronous, place: string): void {
  const { durability, ...others } = misfitsOf(server)
  const wrong = Object.values(others).find((misfit) => misfit !== null)
  const first = wrong ?? (synchronous === 'full' ? durability : null)
  if (first === null) return
  throw new SpillwayError('store_incompatible', `The database ${place} ${first.found}. ${first.advice}`, {
    details: { place, version: server.version },
  })
}

export function misfitsOf(server: ServerFacts): Misfits {
  return {
    version: wrongVersion(server),
    engine: wrongEngine(server),
    binlog: wrongBinlog(server),
    packet: wrongPacket(server),
    durability: wrongDurability(server),
  }
}

function wrongVersion({ version }: ServerFacts): Misfit | null {
  const mariaDb = /mariadb/i.test(version)
  // MariaDB puts `5.5.5-` before its version for old replicas.
  const numbers = version
    .replace(/^5\.5\.5-(?=\d)/, '')
    .split('.', 2)
    .map((part) => Number.parseInt(part, 10))
  const [majorMin, minorMin] = (mariaDb ? MARIADB_MIN : MYSQL_MIN) as [number, number]
  const [major = 0, minor = 0] = numbers
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return null
  return {
    found: `runs version ${version}`,
    advice: `Use MySQL ${MYSQL_MIN.join('.')} or later, or MariaDB ${MARIADB_MIN.join('.')} or later.`,
  }
}

function wrongEngine({ engines }: ServerFacts): Misfit | null {
  if (engines.length === 0) return null
  return {
    found: `has tables of the store in another engine than InnoDB: ${engines.join(', ')}`,
    advice: 'Convert them with ALTER TABLE ... ENGINE = InnoDB.',
  }
}

function wrongBinlog({ binlog }: ServerFacts): Misfit | null {
  if (binlog !== 'STATEMENT') return null
  return {
    found:
      'logs statements (binlog_format = STATEMENT), which READ COMMITTED transactions cannot be logged by',
    advice: 'Set binlog_format to ROW or MIXED.',
  }
}

function wrongPacket({ maxAllowedPacket }: ServerFacts): Misfit | null {
  if (maxAllowedPacket >= STATEMENT_BYTES_MAX) return null
  return {
    found: `takes packets of ${maxAllowedPacket} bytes, too few for a chunk`,
    advice: 'Set max_allowed_packet to 16M or more.',
  }
}

function wrongDurability({ flushAtCommit, binlog, syncBinlog }: ServerFacts): Misfit | null {
  const advice =
    "A crash would take acknowledged commands. Set it, or accept that with synchronous: 'normal'."
  if (flushAtCommit !== 1) {
    return {
      found: `does not write commits to the disk (innodb_flush_log_at_trx_commit = ${flushAtCommit}, not 1)`,
      advice,
    }
  }
  if (binlog !== 'off' && syncBinlog !== 1) {
    return {
      found: `does not write its binary log to the disk at each commit (sync_binlog = ${syncBinlog}, not 1)`,
      advice,
    }
  }
  return null
}
