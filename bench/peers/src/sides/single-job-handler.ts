// The handler of every peer that runs jobs one at a time: write the row, count it.

import type { Effect } from '../effect.js'
import type { WatchEvent } from '../watch-events.js'
import { PlannedFailure, type SideContext } from './side.js'

export function singleJobHandler({ rules, landed }: SideContext, effect: Effect) {
  return async (event: WatchEvent, attempt: number): Promise<void> => {
    rules.started?.(event)
    if (rules.fails?.(event, attempt)) throw new PlannedFailure()
    const written = await effect.writeOne(event)
    landed.add(written, 1 - written)
  }
}
