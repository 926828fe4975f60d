// One agent per spool. A lock is a file that names its process; whoever makes one and then finds no other of a living process holds the spool.
// Two agents at once would ship some chunks twice and no more: the chunk's id is recognised. The lock is for order, not for safety.

import type { Cancel, Clock, Files, Processes, ProcessMark } from '../ports/index.js'
import { bestEffort, isTaken, journalFailed } from './disk-error.js'
import { makeDurableFolder } from './durable-folder.js'
import { HEARTBEAT_MS, LOCK_ATTEMPTS_MAX } from './limits.js'
import { isDead } from './liveness.js'
import { createMark, readMark } from './mark.js'
import { lockNumbers, lockPath } from './paths.js'

export interface SpoolLockOptions {
  readonly files: Files
  readonly processes: Processes
  readonly clock: Pick<Clock, 'now' | 'schedule'>
  /** Made when it does not exist. */
  readonly spool: string
}

/** What is needed to see who holds a lock. */
type LockLook = Omit<SpoolLockOptions, 'clock'> & { readonly clock: Pick<Clock, 'now'> }

export interface SpoolLock {
  /** Aborted when somebody else has taken the lock over because this process was silent for too long: stop reading. */
  readonly lost: AbortSignal
  release(): Promise<void>
}

export type SpoolLockVerdict =
  | { readonly status: 'locked'; readonly lock: SpoolLock }
  /** `by` null: it is just being taken. */
  | { readonly status: 'held'; readonly by: ProcessMark | null }

/** Survives the holder's kill -9: a lock of a dead process counts for nothing. Throws `journal_failed`. */
export async function lockSpool(options: SpoolLockOptions): Promise<SpoolLockVerdict> {
  const { files, spool } = options
  try {
    await makeDurableFolder(files, spool)
    let verdict = await attempt(options)
    for (let tried = 1; verdict === 'too late' && tried < LOCK_ATTEMPTS_MAX; tried += 1)
      verdict = await attempt(options)
    return verdict === 'too late' ? { status: 'held', by: null } : verdict
  } catch (error) {
    throw journalFailed(`The journal's folder ${spool} could not be locked`, error)
  }
}

/** Who holds the spool, or null. */
export async function lockHolder(options: LockLook): Promise<ProcessMark | null> {
  const locks = lockNumbers(await options.files.list(options.spool))
  return (await livingHolder(options, locks))?.by ?? null
}

async function attempt(options: SpoolLockOptions): Promise<SpoolLockVerdict | 'too late'> {
  const { files, processes, spool } = options
  const before = lockNumbers(await files.list(spool))
  const holder = await livingHolder(options, before)
  if (holder !== null) return holder
  const number = (before.at(-1) ?? 0) + 1
  const path = lockPath(spool, number)
  try {
    await createMark(files, path, await processes.self())
  } catch (error) {
    if (isTaken(error)) return 'too late'
    await bestEffort(files.remove(path))
    throw error
  }
  const others = lockNumbers(await files.list(spool)).filter((other) => other !== number)
  if ((await livingHolder(options, others)) !== null) {
    await files.remove(path)
    return 'too late'
  }
  for (const other of others) await bestEffort(files.remove(lockPath(spool, other)))
  return { status: 'locked', lock: new HeldLock(options, path) }
}

async function livingHolder(
  options: LockLook,
  locks: readonly number[],
): Promise<(SpoolLockVerdict & { status: 'held' }) | null> {
  for (const number of locks) {
    const path = lockPath(options.spool, number)
    const by = await readMark(options.files, path)
    const isThere = by !== null || (await options.files.info(path)) !== null
    if (isThere && !(await isDead(options, by, [path]))) return { status: 'held', by }
  }
  return null
}

class HeldLock implements SpoolLock {
  readonly #options: SpoolLockOptions
  readonly #path: string
  readonly #lost = new AbortController()
  #cancel: Cancel | null = null

  constructor(options: SpoolLockOptions, path: string) {
    this.#options = options
    this.#path = path
    this.#beatLater()
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async release(): Promise<void> {
    if (this.#cancel === null) return
    this.#cancel()
    this.#cancel = null
    if (!this.#lost.signal.aborted) await bestEffort(this.#options.files.remove(this.#path))
  }

  #beatLater(): void {
    this.#cancel = this.#options.clock.schedule(HEARTBEAT_MS, () => void this.#beat())
  }

  /** A disk that does not answer is no reason to stop: nobody else can have taken the lock over on it. */
  async #beat(): Promise<void> {
    const { files, clock } = this.#options
    const [there] = await Promise.allSettled([files.info(this.#path)])
    if (this.#cancel === null) return
    if (there.status === 'fulfilled' && there.value === null) {
      this.#lost.abort()
      return
    }
    await bestEffort(files.touch(this.#path, clock.now()))
    if (this.#cancel !== null) this.#beatLater()
  }
}
