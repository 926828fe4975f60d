// Operators' verbs on stored commands and queues. Whether a verb is allowed is asked of the domain's transition table, while what it
// is asked about is locked.

import type { ControlVerdict, StoreControl } from '../../ports/index.js'
import { cancel } from './cancel.js'
import { configureQueue, readAllSettings } from './queue-settings.js'
import { redrive } from './redrive.js'
import type { Session, Transaction } from './session.js'
import { Hints, type Wake } from './wake.js'

/** Commands of one transaction: their locks are in the way of others. */
const IDS_PER_TRANSACTION = 500

/** Answers for commands by their ids, inside a transaction. `now` is SQL. */
type Verb = (
  transaction: Transaction,
  ids: readonly string[],
  now: string,
  hints: Hints,
) => Promise<ControlVerdict[]>

export function newControl(session: Session, wake: Wake): StoreControl {
  async function some(ids: readonly string[], verb: Verb): Promise<ControlVerdict[]> {
    const [verdicts, hints] = await session.transaction(async (transaction) => {
      const given = new Hints()
      return [await verb(transaction, ids, session.now(), given), given] as const
    })
    wake.give(hints)
    return verdicts
  }

  async function each(ids: readonly string[], verb: Verb): Promise<ControlVerdict[]> {
    const verdicts: ControlVerdict[] = []
    for (let first = 0; first < ids.length; first += IDS_PER_TRANSACTION) {
      verdicts.push(...(await some(ids.slice(first, first + IDS_PER_TRANSACTION), verb)))
    }
    return verdicts
  }

  return {
    cancel: (ids) => each(ids, cancel),
    redrive: (ids) => each(ids, redrive),
    async configureQueue(queue, change) {
      const settings = await configureQueue(session, queue, change)
      const hints = new Hints()
      // There may be work for workers that found none before.
      if (!settings.paused) hints.add(queue, 0)
      wake.give(hints)
      return settings
    },
    queueSettings: () => readAllSettings(session),
  }
}
