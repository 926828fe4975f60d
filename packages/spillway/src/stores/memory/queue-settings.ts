// What operators say about queues, kept for those that somebody configured.

import { changedSettings, isDefaultSettings, type QueueSettings } from '../../domain/index.js'
import { type MemoryState, settingsOf } from './state.js'
import type { Notify } from './wake.js'

export function configureQueue(
  state: MemoryState,
  queue: string,
  change: Partial<QueueSettings>,
  notify: Notify,
): QueueSettings {
  const settings = changedSettings(settingsOf(state, queue), change)
  state.settings.set(queue, settings)
  // There may be work for workers that found none before.
  if (!settings.paused) notify(queue, 0)
  return settings
}

/** By name, of the queues that are not as any queue is. */
export function queueSettings(state: MemoryState): Map<string, QueueSettings> {
  const changed = [...state.settings].filter(([, settings]) => !isDefaultSettings(settings))
  return new Map(changed.sort(([a], [b]) => (a < b ? -1 : 1)))
}
