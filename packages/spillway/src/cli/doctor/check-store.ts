// What is in the store: its schema, whether it takes writes, and what waits there for somebody to look at it.

import { chunkIdTime, parseCommandId } from '../../domain/index.js'
import type { Accounting, NodeView, QueueCounts, QueueSettings, Store } from '../../ports/index.js'
import { type Finding, failure, fine, warning } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'

/** Work that waits longer has probably no worker. */
const READY_AGE_WARN_MS = 5 * 60_000
/** Clocks of one machine differ by less. */
const CLOCK_AHEAD_MS = 5_000

export async function checkSchema({ schema }: Store): Promise<Finding> {
  const { current, target, pending } = await schema.state()
  if (current > target) {
    return failure('schema', `version ${current}, this release knows ${target}`, 'Update Spillway.')
  }
  if (pending.length === 0) return fine('schema', `version ${current}`)
  const found = current === 0 ? 'not installed' : `version ${current} of ${target}`
  return failure('schema', found, 'Bring it up to date: spillway migrate')
}

/** Of a store that is open. */
export async function checkContents(store: Store): Promise<Finding[]> {
  const { reader, control } = store
  await store.probe()
  const queues = await reader.queues()
  return [
    fine('writes', 'the store takes them'),
    checkPaused(await control.queueSettings()),
    checkNodes(await store.nodes.list()),
    checkDead(queues),
    checkWaiting(queues),
    checkBooks(await reader.accounting()),
    await checkClock(store),
  ]
}

function checkPaused(settings: ReadonlyMap<string, QueueSettings>): Finding {
  const paused = [...settings].filter(([, { paused }]) => paused)
  const [first] = paused
  if (first === undefined) return fine('queues', 'none is paused')
  const found = paused.map(([queue, { pauseReason }]) =>
    pauseReason === null ? queue : `${queue} (${pauseReason})`,
  )
  return warning('queues', `paused: ${found.join(', ')}`, `Go on with: spillway queue resume ${first[0]}`)
}

/** One that did not say goodbye died, is stopped, or cannot reach the store. */
function checkNodes(nodes: readonly NodeView[]): Finding {
  const silent = nodes.filter(({ alive }) => !alive)
  if (silent.length === 0) return fine('nodes', `${nodes.length} at work`)
  return warning(
    'nodes',
    `silent: ${silent.map(({ host, pid }) => `${host}:${pid}`).join(', ')}`,
    'They died, or cannot reach the store: spillway nodes',
  )
}

function checkDead(queues: readonly QueueCounts[]): Finding {
  const dead = queues.reduce((sum, queue) => sum + queue.dead, 0)
  if (dead === 0) return fine('dead letters', 'none')
  return warning('dead letters', `${dead} commands could not be done`, 'Look at them: spillway dlq list')
}

function checkWaiting(queues: readonly QueueCounts[]): Finding {
  const now = systemClock.now()
  const late = queues.filter(
    ({ paused, oldestReadyAt }) =>
      !paused && oldestReadyAt !== null && now - oldestReadyAt > READY_AGE_WARN_MS,
  )
  if (late.length === 0) return fine('waiting', 'nothing waits for long')
  return warning(
    'waiting',
    `work in ${late.map(({ queue }) => queue).join(', ')} waits longer than ${READY_AGE_WARN_MS / 60_000} minutes`,
    'Start a worker: spillway worker',
  )
}

/** Every accepted command is in exactly one place. */
function checkBooks({ accepted, ...places }: Accounting): Finding {
  const found = Object.values(places).reduce((sum, count) => sum + count, 0)
  if (found === accepted) return fine('books', `${accepted} commands, each in one place`)
  return failure(
    'books',
    `${accepted} accepted, ${found} found`,
    'Keep a copy of the database and report this.',
  )
}

/** Ids are made from the time: one from the future means that the clock went back. */
async function checkClock({ reader }: Store): Promise<Finding> {
  const { items } = await reader.list({ limit: 1 })
  const chunkId = parseCommandId(items[0]?.id ?? '')?.chunkId
  const aheadMs = chunkId === undefined ? 0 : chunkIdTime(chunkId) - systemClock.now()
  if (aheadMs <= CLOCK_AHEAD_MS) return fine('clock', new Date(systemClock.now()).toISOString())
  return warning(
    'clock',
    `the newest command is ${Math.round(aheadMs / 1_000)} s from the future`,
    "Check this machine's time synchronisation.",
  )
}
