// What the verbs on stored commands have in common: one transaction that changes the commands, stores what follows from that, and writes down
// who did it.

import { type ChunkDraft, VERB_COMMANDS_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { VerbOptions } from '../../ports/index.js'
import { auditSql } from './audit.js'
import { storeFollowing } from './following.js'
import type { QueueNames } from './queue-names.js'
import type { Session, Transaction } from './session.js'
import { Hints, type Wake } from './wake.js'

/** What a verb found, and what is left to be written; nothing where no verdict is `ok`. */
export interface VerbWork<Verdict> {
  readonly verdicts: Verdict[]
  readonly statements: readonly string[]
}

/** Inside a transaction. `now` is SQL. */
export type Verb<Item, Verdict> = (
  transaction: Transaction,
  items: readonly Item[],
  now: string,
  hints: Hints,
) => Promise<VerbWork<Verdict>>

/** What a verb needs of an open store. */
export interface Verbs {
  run<Item, Verdict>(
    verb: Verb<Item, Verdict>,
    items: readonly Item[],
    options: VerbOptions | undefined,
  ): Promise<Verdict[]>
}

export function newVerbs(session: Session, wake: Wake, queueNames: QueueNames): Verbs {
  return {
    async run(verb, items, options = {}) {
      if (items.length === 0) return []
      assertFew(items.length)
      const appends = options.appends ?? []
      const drafts = appends.filter((draft) => draft !== null)
      // Before the transaction: while it holds a connection, it should not wait for another.
      if (drafts.length > 0) await queueNames.store(session, drafts)
      const [verdicts, hints] = await session.transaction(async (transaction) => {
        const given = new Hints()
        const work = await verb(transaction, items, session.now(), given)
        await transaction.finish([
          ...work.statements,
          ...(await consequences(transaction, work.verdicts, options, session.now(), given)),
        ])
        return [work.verdicts, given] as const
      })
      wake.give(hints)
      return verdicts
    },
  }
}

async function consequences(
  transaction: Transaction,
  verdicts: readonly unknown[],
  { audit, appends = [] }: VerbOptions,
  now: string,
  hints: Hints,
): Promise<string[]> {
  const took = verdicts.map((verdict) => verdict === 'ok')
  const count = took.filter(Boolean).length
  const following = appends.filter(
    (draft, place): draft is ChunkDraft => draft !== null && took[place] === true,
  )
  return [
    ...(await storeFollowing(transaction, following, now, hints)),
    ...(audit === undefined || count === 0 ? [] : [auditSql(audit, count, now)]),
  ]
}

function assertFew(count: number): void {
  if (count <= VERB_COMMANDS_MAX) return
  throw new SpillwayError(
    'invalid_argument',
    `Name at most ${VERB_COMMANDS_MAX} commands at once, received ${count}: one transaction changes them all.`,
  )
}
