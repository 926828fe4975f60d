// Rows of commands that did not simply succeed, as statements.

import {
  type CommandUpdate,
  CRASHES_BEFORE_ISOLATION,
  type ErrorRecord,
  HISTORY_MAX,
  type RowState,
  type Stage,
} from '../../domain/index.js'
import { integer, multiRow, text } from './sql-text.js'

/** What the rows of one write have in common: the chunk that was executed, or drafted as parked. */
export interface ParkedShared {
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  /** Seq of the promoted chunk that the rows are riding in; null for commands that have no row yet. */
  readonly carrier: number | null
}

/** A try that ended, for the history. */
export interface Tried {
  readonly at: number
  readonly stage: Stage
  readonly ran: CommandUpdate['ran']
}

/** What a row says about its command's next turn, and how it came to it. */
export interface RowContent {
  readonly state: RowState
  readonly stage: Stage
  readonly attempts: number
  /** Due; null for terminal states, and for what waits for others. */
  readonly nextAt: number | null
  /** Null for states that are not terminal. */
  readonly finishedAt: number | null
  /** Null with no try: the row keeps its own. */
  readonly error: ErrorRecord | null
  readonly result: string | null
  readonly memo: string | null
  readonly orderingKey: string | null
  readonly completion: { readonly tokenHash: string; readonly expiresAt: number } | null
  readonly fingerprint: string | null
  /** Null when nothing was tried. */
  readonly tried: Tried | null
}

export interface ParkedRow extends RowContent {
  readonly chunkId: string
  readonly index: number
  /** SQL of its place in the order of its queue; a row that there is already keeps its own. */
  readonly place: string
  readonly acceptedAt: number
}

/** What most rows have nothing of. */
export const BLANK = {
  stage: 'execute',
  result: null,
  memo: null,
  orderingKey: null,
  completion: null,
  fingerprint: null,
  tried: null,
} as const satisfies Partial<RowContent>

/** Executions of a command in this chunk that ended without an outcome: each crash counts as one, up to isolation. */
export function lostAttempts({
  expiries,
  stage,
}: {
  readonly expiries: number
  readonly stage: Stage
}): number {
  return stage === 'execute' ? Math.min(expiries, CRASHES_BEFORE_ISOLATION) : 0
}

const INSERT = `
insert into spillway_parked (queue, type, priority, partition_no, chunk_id, idx, place, accepted_at, state, attempts, next_at,
  finished_at, error, result, history, stage, memo, ordering_key, token_hash, token_expires_at, fingerprint) values`

const KEPT_HISTORY = `if(json_length(history) < ${HISTORY_MAX}, history, json_remove(history, '$[0]'))`

/** SQL of the history with that of one try, or with null, at its end. */
function historyWith(tried: string): string {
  return `case when ${tried} is null then history when history is null then ${tried} else json_merge_preserve(${KEPT_HISTORY}, ${tried}) end`
}

const REPLACED = [
  ...['state', 'attempts', 'next_at', 'finished_at', 'result'],
  ...['stage', 'memo', 'ordering_key', 'token_hash', 'token_expires_at'],
]

/** Moves on a row that rides in the carrier and leaves any other as it is. Assignments are made from left to right. */
function moveOn(carrier: number): string {
  const mine = `carrier = ${integer(carrier)}`
  const assigned = [
    ...REPLACED.map((column) => [column, `values(${column})`] as const),
    [
      'fingerprint',
      'if(values(history) is null and values(error) is null, fingerprint, values(fingerprint))',
    ],
    ['error', 'if(values(history) is null, coalesce(values(error), error), values(error))'],
    ['history', historyWith('values(history)')],
    ['carrier', 'null'],
  ] as const
  const list = assigned.map(([column, value]) => `${column} = if(${mine}, ${value}, ${column})`)
  return `on duplicate key update ${list.join(', ')}`
}

/** Adds rows of commands that had none, or moves on those that ride in the carrier. */
export function writeRows(shared: ParkedShared, rows: readonly ParkedRow[]): string[] {
  const tail = shared.carrier === null ? '' : moveOn(shared.carrier)
  return multiRow(
    INSERT,
    rows.map((row) => rowText(shared, row)),
    tail,
  )
}

function rowText({ queue, type, priority, partition }: ParkedShared, row: ParkedRow): string {
  const values = [
    ...[text(queue), text(type), integer(priority), integer(partition)],
    ...[text(row.chunkId), integer(row.index), row.place, integer(row.acceptedAt)],
    ...contentOf(row).map(([, value]) => value),
  ]
  return `(${values.join(', ')})`
}

/** Assignments that make a row in nobody's hands what the content says. */
export function assignContent(content: RowContent): string {
  return contentOf(content)
    .map(([column, value]) => `${column} = ${column === 'history' ? historyWith(value) : value}`)
    .join(', ')
}

/** Columns and their values, in the order of the insert. */
function contentOf(row: RowContent): (readonly [column: string, value: string])[] {
  const error = row.error === null ? null : JSON.stringify(row.error)
  return [
    ['state', text(row.state)],
    ['attempts', integer(row.attempts)],
    ['next_at', integer(row.nextAt)],
    ['finished_at', integer(row.finishedAt)],
    ['error', text(error)],
    ['result', text(row.result)],
    ['history', text(historyOf(row, error))],
    ['stage', text(row.stage)],
    ['memo', text(row.memo)],
    ['ordering_key', text(row.orderingKey)],
    ['token_hash', text(row.completion?.tokenHash ?? null)],
    ['token_expires_at', integer(row.completion?.expiresAt ?? null)],
    ['fingerprint', text(row.fingerprint)],
  ]
}

/** A history of this one try, to which the row's own is prefixed. */
function historyOf({ attempts, tried }: RowContent, error: string | null): string | null {
  if (tried === null) return null
  const { at, stage, ran } = tried
  const where = stage === 'execute' ? '' : `"stage":"${stage}",`
  const by =
    ran === undefined
      ? ''
      : `"workerId":${JSON.stringify(ran.workerId)},"durationMs":${Math.trunc(ran.durationMs)},`
  return `[{"attempt":${attempts},${where}${by}"at":${at},"error":${error}}]`
}
