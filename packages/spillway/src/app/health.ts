// Whether commands can be accepted now. The store is asked to write something harmless, because a full disk or a lock that nobody gives
// back can be read through; and so is whatever else commands are kept by. What this process can do without is only shown.

import { ERROR_MESSAGE_MAX } from '../domain/index.js'
import type { QueueSettings, Store } from '../ports/index.js'
import { safeText } from '../telemetry/error-fields.js'
import type { Health, HealthCheck } from './api.js'
import type { Connections, Dependency } from './connections/index.js'

export async function checkHealth(
  store: Store,
  connections: Pick<Connections, 'needsStore' | 'dependencies'>,
  closing: boolean,
): Promise<Health> {
  const needed: HealthCheck[] = [
    { name: 'open', ok: !closing, detail: closing ? 'closing: takes nothing more' : 'takes commands' },
  ]
  const shown: HealthCheck[] = []
  for (const { name, isNeeded, check } of [...storeChecks(store, connections), ...connections.dependencies()])
    (isNeeded ? needed : shown).push(await attempt(name, check))
  return {
    ready: needed.every((check) => check.ok),
    checks: [...needed, ...shown, await checkQueues(store)],
  }
}

function storeChecks(
  store: Store,
  { needsStore: isNeeded }: Pick<Connections, 'needsStore'>,
): readonly Dependency[] {
  return [
    {
      name: 'store',
      isNeeded,
      check: async () => {
        await store.probe()
        return `${store.name} takes writes`
      },
    },
    {
      name: 'schema',
      isNeeded,
      check: async () => {
        const { current, pending } = await store.schema.state()
        if (pending.length > 0) throw new Error(`version ${current}; run: spillway migrate`)
        return `version ${current}`
      },
    },
  ]
}

/** A paused queue accepts, so it does not make anything unready; but whoever looks for trouble should see it. */
function checkQueues({ control }: Store): Promise<HealthCheck> {
  return attempt('queues', async () => {
    const paused = [...(await control.queueSettings())].filter(([, settings]) => settings.paused)
    if (paused.length === 0) return 'none is paused'
    throw new Error(`paused: ${paused.map(pausedQueue).join(', ')}`)
  })
}

function pausedQueue([queue, { pauseReason }]: readonly [string, QueueSettings]): string {
  return pauseReason === null ? queue : `${queue} (${pauseReason})`
}

async function attempt(name: string, check: () => Promise<string>): Promise<HealthCheck> {
  try {
    return { name, ok: true, detail: await check() }
  } catch (error) {
    // A message that is not ours may hold a connection string.
    return {
      name,
      ok: false,
      detail: safeText(error instanceof Error ? error.message : 'failed', ERROR_MESSAGE_MAX),
    }
  }
}
