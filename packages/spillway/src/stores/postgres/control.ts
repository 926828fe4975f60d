// Operators' verbs on stored commands and queues, with what follows from them: chunks that are stored in the same commit, and who did
// it. A call is done in transactions of a bounded number of commands.

import {
  type ChunkDraft,
  type CommandRef,
  parseCommandId,
  transition,
  VERB_COMMANDS_MAX,
} from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { ControlVerdict, RedriveOptions, StoreControl } from '../../ports/index.js'
import { appendBeside, lockPartitions } from './append.js'
import { writeAudit } from './audit.js'
import { newComplete } from './complete.js'
import type { Database } from './database.js'
import { type HeldCommands, holdCommands } from './held-commands.js'
import { configureQueue, readQueueSettings } from './queue-settings.js'
import type { StoredCommand } from './stored-commands.js'
import { CANCEL, DISCARD, REDRIVE, type Target, type Verb } from './verbs.js'

/** Attempts to lock commands that are promoted at the same moment. */
const ATTEMPTS_MAX = 5

/** A command that the caller named, with what is said about it. */
interface Asked {
  readonly ref: CommandRef | null
  readonly payload: string | null
  readonly append: ChunkDraft | null
}

export function newControl(db: Database): StoreControl {
  return {
    cancel: (ids, options) => onCommands(db, CANCEL, ids, options),
    redrive: (ids, options) => onCommands(db, REDRIVE, ids, options),
    discard: (ids, options) => onCommands(db, DISCARD, ids, options),
    complete: newComplete(db),
    configureQueue: (queue, change, audit) =>
      db.transaction(async (tx, hints) => {
        const settings = await configureQueue(tx, queue, change)
        if (audit !== undefined) await writeAudit(tx, db.now(), audit, null)
        // There may be work for workers that found none before.
        if (!settings.paused) hints.add(queue, 0)
        return settings
      }),
    queueSettings: () => readQueueSettings(db),
    audit: (note, count) => writeAudit(db, db.now(), note, count),
  }
}

async function onCommands(
  db: Database,
  verb: Verb,
  ids: readonly string[],
  options: RedriveOptions = {},
): Promise<ControlVerdict[]> {
  const { payloads, appends } = options
  const asked = ids.map((id, at): Asked => {
    return { ref: parseCommandId(id), payload: payloads?.[at] ?? null, append: appends?.[at] ?? null }
  })
  const verdicts: ControlVerdict[] = []
  for (let from = 0; from < asked.length; from += VERB_COMMANDS_MAX) {
    verdicts.push(...(await patiently(db, verb, asked.slice(from, from + VERB_COMMANDS_MAX), options)))
  }
  return verdicts
}

async function patiently(
  db: Database,
  verb: Verb,
  asked: readonly Asked[],
  options: RedriveOptions,
): Promise<ControlVerdict[]> {
  for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts += 1) {
    const verdicts = await attempt(db, verb, asked, options)
    if (verdicts !== null) return verdicts
  }
  throw new SpillwayError(
    'store_unavailable',
    `The commands moved ${ATTEMPTS_MAX} times while they were looked for. Try again.`,
  )
}

/** Null when a command moved before it could be locked; nothing was done. */
function attempt(
  db: Database,
  verb: Verb,
  asked: readonly Asked[],
  { audit }: RedriveOptions,
): Promise<ControlVerdict[] | null> {
  return db.transaction(async (tx, hints) => {
    const known = asked.flatMap(({ ref }) => (ref === null ? [] : [ref]))
    await lockPartitions(
      tx,
      asked.flatMap(({ append }) => append ?? []),
    )
    const held = await holdCommands(db, tx, known, verb.mayEnd)
    if (held === null) return null
    const { verdicts, targets } = judge(verb, asked, held)
    if (targets.length === 0) return verdicts
    await verb.apply({ tx, hints, held }, targets)
    const appends = asked.filter((_, at) => verdicts[at] === 'ok').flatMap(({ append }) => append ?? [])
    await appendBeside(db, { tx, hints }, appends)
    if (audit !== undefined) await writeAudit(tx, db.now(), audit, targets.length)
    return verdicts
  })
}

/** A command that is named twice is changed once: its second verdict is what follows the first. */
function judge(
  verb: Verb,
  asked: readonly Asked[],
  held: HeldCommands,
): { verdicts: ControlVerdict[]; targets: Target[] } {
  const targets = new Map<string, Target>()
  const verdicts = asked.map(({ ref, payload }): ControlVerdict => {
    const command = ref === null ? null : held.find(ref)
    if (ref === null || command === null) return 'not_found'
    const id = `${ref.chunkId}-${ref.index}`
    if (targets.has(id) || !isAllowed(verb, command)) return 'conflict'
    targets.set(id, { command, payload })
    return 'ok'
  })
  return { verdicts, targets: [...targets.values()] }
}

function isAllowed({ eventOn, needsRow }: Verb, command: StoredCommand): boolean {
  if (needsRow && command.row === null) return false
  return transition(command.state, eventOn(command)) !== null
}
