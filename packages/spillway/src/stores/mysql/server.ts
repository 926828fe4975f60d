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
}

/** Not every server has every variable. */
const VARIABLES = `
show global variables where variable_name in
  ('version', 'innodb_flush_log_at_trx_commit', 'log_bin', 'binlog_format', 'sync_binlog', 'max_allowed_packet')`

/** Engines of tables of the store that are not InnoDB. */
const OTHER_ENGINES = `
select table_name as name, engine from information_schema.tables
where table_schema = database() and table_name like 'spillway\\_%' and table_type = 'BASE TABLE' and engine <> 'InnoDB'`

export async function readServer(connection: Connection): Promise<ServerFacts> {
  const [variables, engines] = await connection.send([VARIABLES, OTHER_ENGINES])
  const values = new Map((variables?.rows ?? []).map((row) => [row.Variable_name, String(row.Value)]))
  return {
    version: values.get('version') ?? '',
    flushAtCommit: Number(values.get('innodb_flush_log_at_trx_commit') ?? 1),
    binlog: values.get('log_bin') === 'ON' ? ((values.get('binlog_format') ?? 'ROW') as 'ROW') : 'off',
    syncBinlog: Number(values.get('sync_binlog') ?? 1),
    maxAllowedPacket: Number(values.get('max_allowed_packet')),
    engines: (engines?.rows ?? []).map(({ name, engine }) => `${name} (${engine})`),
  }
}

const MARIADB_MIN = [10, 6]
const MYSQL_MIN = [8, 0]

/** Throws `store_incompatible` and says what to set. */
export function assertServer(server: ServerFacts, synchronous: Synchronous, place: string): void {
  const wrong =
    wrongVersion(server) ??
    wrongEngine(server) ??
    wrongBinlog(server) ??
    wrongPacket(server) ??
    (synchronous === 'full' ? wrongDurability(server) : null)
  if (wrong === null) return
  throw new SpillwayError('store_incompatible', `The database ${place} ${wrong}`, {
    details: { place, version: server.version },
  })
}

function wrongVersion({ version }: ServerFacts): string | null {
  const mariaDb = /mariadb/i.test(version)
  // MariaDB puts `5.5.5-` before its version for old replicas.
  const numbers = version
    .replace(/^5\.5\.5-(?=\d)/, '')
    .split('.', 2)
    .map((part) => Number.parseInt(part, 10))
  const [majorMin, minorMin] = (mariaDb ? MARIADB_MIN : MYSQL_MIN) as [number, number]
  const [major = 0, minor = 0] = numbers
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return null
  return `runs version ${version}. Use MySQL ${MYSQL_MIN.join('.')} or later, or MariaDB ${MARIADB_MIN.join('.')} or later.`
}

function wrongEngine({ engines }: ServerFacts): string | null {
  if (engines.length === 0) return null
  return `has tables of the store in another engine than InnoDB: ${engines.join(', ')}. Convert them with ALTER TABLE ... ENGINE = InnoDB.`
}

function wrongBinlog({ binlog }: ServerFacts): string | null {
  if (binlog !== 'STATEMENT') return null
  return 'logs statements (binlog_format = STATEMENT), which READ COMMITTED transactions cannot be logged by. Set binlog_format to ROW or MIXED.'
}

function wrongPacket({ maxAllowedPacket }: ServerFacts): string | null {
  if (maxAllowedPacket >= STATEMENT_BYTES_MAX) return null
  return `takes packets of ${maxAllowedPacket} bytes, too few for a chunk. Set max_allowed_packet to 16M or more.`
}

function wrongDurability({ flushAtCommit, binlog, syncBinlog }: ServerFacts): string | null {
  const loss = "A crash would take acknowledged commands. Set it, or accept that with synchronous: 'normal'."
  if (flushAtCommit !== 1) {
    return `does not write commits to the disk (innodb_flush_log_at_trx_commit = ${flushAtCommit}, not 1). ${loss}`
  }
  if (binlog !== 'off' && syncBinlog !== 1) {
    return `does not write its binary log to the disk at each commit (sync_binlog = ${syncBinlog}, not 1). ${loss}`
  }
  return null
}
