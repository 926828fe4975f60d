// Operators' and counterparts' verbs on what is stored: each is one step, with what follows from it and who did it.

import type { StoreControl, VerbOptions } from '../../ports/index.js'
import { writeAudit } from './audit.js'
import { completeOne } from './completion.js'
import { configureQueue, queueSettings } from './queue-settings.js'
import { appendFollowing } from './settle.js'
import type { MemoryState } from './state.js'
import { cancelOne, discardOne, redriving, type Verb } from './verbs.js'
import type { Notify } from './wake.js'

/** `run` makes one step of each call, at the time it begins. */
export function newControl(
  state: MemoryState,
  run: <T>(step: (now: number) => T) => Promise<T>,
  notify: Notify,
): StoreControl {
  const toEach = <Item, Verdict extends string>(
    items: readonly Item[],
    options: VerbOptions,
    verb: Verb<Item, Verdict>,
  ): Promise<Verdict[]> => run((now) => applyVerb(state, items, options, now, notify, verb))
  return {
    cancel: (ids, options = {}) => toEach(ids, options, cancelOne),
    redrive: (ids, options = {}) => toEach(ids, options, redriving(options.payloads)),
    discard: (ids, options = {}) => toEach(ids, options, discardOne),
    complete: (items, options = {}) => toEach(items, options, completeOne),
    configureQueue: (queue, change, audit) =>
      run((now) => {
        if (audit !== undefined) writeAudit(state, audit, null, now)
        return configureQueue(state, queue, change, notify)
      }),
    queueSettings: () => run(() => queueSettings(state)),
    audit: (note, count) => run((now) => writeAudit(state, note, count, now)),
  }
}

/** Does the verb to each, and writes what follows from what took effect. */
function applyVerb<Item, Verdict extends string>(
  state: MemoryState,
  items: readonly Item[],
  { audit, appends }: VerbOptions,
  now: number,
  notify: Notify,
  verb: Verb<Item, Verdict>,
): Verdict[] {
  const verdicts = items.map((item, at) => verb(state, item, now, notify, at))
  const isDone = (_: unknown, at: number) => verdicts[at] === 'ok'
  appendFollowing(state, appends?.filter(isDone), now, notify)
  const count = verdicts.filter(isDone).length
  if (audit !== undefined && count > 0) writeAudit(state, audit, count, now)
  return verdicts
}
