// What errors of database drivers are about, told by their shape, because a handler may use any driver: PostgreSQL's have an
// SQLSTATE of five characters as `code` (Appendix A of its manual), those of MySQL and MariaDB an `errno` (their server error
// references), those of Prisma a code of its own (its error reference). What is in none of the tables says nothing.

import type { FaultKind } from '../domain/index.js'

type DatabaseFault = Exclude<FaultKind, 'permanent'>

const SQLSTATE = /^[0-9A-Z]{5}$/

/** Whole classes by their first two characters; the states below go first. */
const SQLSTATE_CLASSES: Readonly<Record<string, DatabaseFault>> = {
  '08': 'transient', // connection
  '40': 'transient', // serialization, deadlock
  '53': 'transient', // out of disk, memory, connections
  '58': 'transient', // I/O
  '22': 'data',
  '23': 'data', // constraints
  '28': 'schema', // no such role, wrong password
}

const SQLSTATES: Readonly<Record<string, DatabaseFault>> = {
  '21000': 'data', // a row affected twice by one upsert
  '25006': 'transient', // read-only: a standby, or a failover under way
  '25P03': 'transient', // idle in transaction for too long
  '3D000': 'schema', // no such database
  '3F000': 'schema', // no such schema
  '40002': 'data', // a deferred constraint
  '42501': 'schema', // no privilege
  '42703': 'schema', // no such column
  '42704': 'schema', // no such type or object
  '42883': 'schema', // no such function
  '42P01': 'schema', // no such table
  '42P10': 'schema', // no unique index for ON CONFLICT
  '44000': 'data', // a view's check option
  '54000': 'data', // an index entry that is too large
  '55006': 'transient', // object in use
  '55P03': 'transient', // lock not available
  '57014': 'transient', // cancelled, by a timeout or by hand
  '57P01': 'transient', // shutting down
  '57P02': 'transient', // another backend crashed
  '57P03': 'transient', // starting up
  '57P04': 'schema', // database dropped
  '57P05': 'transient', // idle for too long
  P0001: 'data', // raised by a function or trigger
  P1001: 'transient', // Prisma: server not reached
  P1002: 'transient', // Prisma: connecting timed out
  P1008: 'transient', // Prisma: operation timed out
  P1010: 'schema', // Prisma: access denied
  P1017: 'transient', // Prisma: connection closed
  P2021: 'schema', // Prisma: no such table
  P2022: 'schema', // Prisma: no such column
  P2024: 'transient', // Prisma: no connection free
  P2034: 'transient', // Prisma: write conflict or deadlock
}

const MYSQL_ERRNOS: ReadonlyMap<unknown, DatabaseFault> = new Map(
  entries({
    transient: [
      ...[1020, 1205, 1213, 3572], // changed meanwhile, lock wait, deadlock, lock not available
      ...[1040, 1203, 1226], // connections
      ...[1053, 1077, 1152, 1158, 1159, 1160, 1161, 1927, 2002, 2003, 2006, 2013, 2055], // connection lost
      ...[1317, 1969, 3024], // interrupted, statement timeout
      ...[1021, 1041, 1114, 1180], // disk, memory, table full, commit failed
      ...[1290, 1792, 1836], // read-only
    ],
    data: [
      ...[1048, 1062, 1169, 1364, 1451, 1452, 1557, 3819, 4025], // null, unique, foreign key, check
      ...[1153, 1264, 1265, 1292, 1365, 1366, 1406, 1644, 1690], // too large, out of range, not convertible, signalled
    ],
    schema: [
      ...[1049, 1051, 1054, 1109, 1146, 1305], // no such database, column, table, function
      ...[1044, 1045, 1142, 1143, 1227, 1370, 1698], // no privilege
    ],
  }),
)

/** Codes of mysql2 itself, which have no number of the server. */
const MYSQL_CODES: Readonly<Record<string, DatabaseFault>> = {
  PROTOCOL_CONNECTION_LOST: 'transient',
  PROTOCOL_SEQUENCE_TIMEOUT: 'transient',
  ER_CON_COUNT_ERROR: 'transient',
  ER_LOCK_DEADLOCK: 'transient',
  ER_LOCK_WAIT_TIMEOUT: 'transient',
  ER_NO_SUCH_TABLE: 'schema',
  ER_BAD_FIELD_ERROR: 'schema',
  ER_DUP_ENTRY: 'data',
}

/** Undefined when the error is not a database's, or says nothing that is known here. */
export function databaseFault({ code, errno }: Readonly<Record<string, unknown>>): DatabaseFault | undefined {
  const byNumber = MYSQL_ERRNOS.get(errno)
  if (byNumber !== undefined || typeof code !== 'string') return byNumber
  if (SQLSTATE.test(code)) return ownValue(SQLSTATES, code) ?? ownValue(SQLSTATE_CLASSES, code.slice(0, 2))
  return ownValue(MYSQL_CODES, code)
}

function ownValue<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

function entries(faults: Readonly<Record<DatabaseFault, readonly number[]>>): [number, DatabaseFault][] {
  return (Object.keys(faults) as DatabaseFault[]).flatMap((fault) =>
    faults[fault].map((errno): [number, DatabaseFault] => [errno, fault]),
  )
}
