// Operators' and counterparts' verbs on stored commands and queues. Whether a verb is allowed is asked of the domain's transition table,
// while what it is asked about is locked.

import type { StoreControl } from '../../ports/index.js'
import { auditSql } from './audit.js'
import { cancel } from './cancel.js'
import { complete } from './complete.js'
import { discard } from './discard.js'
import type { QueueNames } from './queue-names.js'
import { configureQueue, readAllSettings } from './queue-settings.js'
import { redriver } from './redrive.js'
import type { Session } from './session.js'
import { newVerbs } from './verbs.js'
import { Hints, type Wake } from './wake.js'

export function newControl(session: Session, wake: Wake, queueNames: QueueNames): StoreControl {
  const verbs = newVerbs(session, wake, queueNames)
  return {
    cancel: (ids, options) => verbs.run(cancel, ids, options),
    redrive: (ids, options) => verbs.run(redriver(options?.payloads ?? []), ids, options),
    discard: (ids, options) => verbs.run(discard, ids, options),
    complete: (items, options) => verbs.run(complete, items, options),
    async configureQueue(queue, change, audit) {
      const settings = await configureQueue(session, queue, change, audit)
      const hints = new Hints()
      // There may be work for workers that found none before.
      if (!settings.paused) hints.add(queue, 0)
      wake.give(hints)
      return settings
    },
    queueSettings: () => readAllSettings(session),
    async audit(note, count) {
      await session.transaction((transaction) => transaction.finish([auditSql(note, count, session.now())]))
    },
  }
}
