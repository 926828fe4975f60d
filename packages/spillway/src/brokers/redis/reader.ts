// Reads one queue over one connection: takes over what others left, then waits for what is new, never for more than there is room for.
// Waiting blocks a connection, so it has one of its own, and is interrupted when there is something else to do.

import type { Redis } from 'ioredis'
import type { Cancel, SubscribeRequest } from '../../ports/index.js'
import { inTime, type Machine } from '../driver/index.js'
import { Desk } from './desk.js'
import type { RawEntry } from './entry.js'
import { unavailable } from './failures.js'
import { type Line, leave } from './link.js'
import { GROUP, NOBODY, type QueueKeys } from './names.js'

export interface ReaderParts {
  readonly line: Line
  readonly machine: Machine
  readonly ackWaitMs: number
  readonly keys: QueueKeys
  readonly consumer: string
  readonly request: SubscribeRequest
  /** Nobody else reads: whatever others have in hand is for this one, at once and before anything new. */
  readonly isAlone: boolean
  /** False when somebody else may read by now. */
  readonly mayRead: () => boolean
  readonly onFault: (error: unknown) => void
  /** It cannot go on. */
  readonly onLost: (why: unknown) => void
}

/** Of the time a message stays in hand; two of them may go wrong. */
export const BEATS_PER_ACK_WAIT = 4
/** How often it looks for what others left, and how long a call waits for new messages. */
const LOOK_EVERY_MS = 1_000
/** A server that answers later than this is not there. */
const GRACE_MS = 4_000
/** What was given back is looked for after this long. */
const RELEASE_MS = 50
const INTERRUPT_AGAIN_MS = 20
const ENTRIES_MAX = 100
const END_MS_MAX = 5_000
const FROM_THE_START = '0-0'

export class Reader {
  readonly #parts: ReaderParts
  readonly #desk: Desk
  readonly #running: Promise<void>
  #state: 'open' | 'closing' | 'ended' = 'open'
  #waiter: { readonly client: Redis; readonly id: number } | null = null
  #isWaiting = false
  #cursor = FROM_THE_START
  /** By the monotonic clock: when to look for what others left. */
  #lookAtMs = 0
  #wake: () => void = () => {}
  #cancelBeat: Cancel = () => {}
  #cancelLook: Cancel = () => {}

  constructor(parts: ReaderParts) {
    this.#parts = parts
    const { line, keys, consumer, request, onFault } = parts
    this.#desk = new Desk({
      ...{ line, keys, consumer, onFault, onDelivery: request.onDelivery },
      onRoom: () => this.#wake(),
      onReleased: () => {
        this.#cancelLook = parts.machine.schedule(RELEASE_MS, () => this.#lookNow())
      },
    })
    this.#running = this.#run().catch((error: unknown) => {
      if (this.#state === 'open') parts.onLost(error)
    })
    this.#beat()
  }

  /** Gives everything in hand to others. */
  async close(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    const { line, keys, consumer, machine } = this.#parts
    this.#stopTimers()
    this.#wake()
    const ended = (async (): Promise<void> => {
      await this.#stopWaiting()
      await this.#desk.settled()
      this.#desk.void()
      await line.ask((client) => client.spillwayLeave(keys.messages, GROUP, consumer, NOBODY))
    })()
    await inTime(machine, END_MS_MAX, ended)
    this.abandon()
  }

  /** The connection is lost, or somebody else reads. */
  abandon(): void {
    this.#state = 'ended'
    this.#stopTimers()
    this.#desk.void()
    this.#wake()
    if (this.#waiter !== null) leave(this.#waiter.client)
  }

  async #run(): Promise<void> {
    const { line, request } = this.#parts
    const client = await line.another()
    this.#waiter = { client, id: Number(await client.client('ID')) }
    if (this.#state !== 'open') return leave(client)
    while (this.#state === 'open') {
      const room = Math.min(request.credit - this.#desk.size, ENTRIES_MAX)
      if (room <= 0) await new Promise<void>((resolve) => (this.#wake = resolve))
      else if (this.#parts.machine.monotonic() >= this.#lookAtMs) await this.#takeOver(room)
      else await this.#waitForNew(room)
    }
  }

  /** What was with others for too long; a page at a time. */
  async #takeOver(room: number): Promise<void> {
    const { line, machine, keys, consumer, ackWaitMs, isAlone } = this.#parts
    const isFirst = this.#lookAtMs === 0
    const idleMs = isAlone && isFirst ? 0 : ackWaitMs
    const [next, entries] = (await line.ask((client) =>
      client.xautoclaimBuffer(keys.messages, GROUP, consumer, idleMs, this.#cursor, 'COUNT', room),
    )) as [Buffer, (RawEntry | null)[]]
    this.#cursor = next.toString()
    if (this.#cursor === FROM_THE_START) this.#lookAtMs = machine.monotonic() + LOOK_EVERY_MS
    this.#handOut(entries, true)
  }

  async #waitForNew(room: number): Promise<void> {
    const { keys, consumer, line } = this.#parts
    const { client } = this.#waiter as { client: Redis }
    this.#isWaiting = true
    const answer = client.xreadgroupBuffer(
      ...(['GROUP', GROUP, consumer, 'COUNT', room, 'BLOCK', LOOK_EVERY_MS] as const),
      ...(['STREAMS', keys.messages, '>'] as const),
    )
    const cancel = this.#parts.machine.schedule(LOOK_EVERY_MS + GRACE_MS, () => client.disconnect())
    try {
      const streams = (await answer) as [Buffer, RawEntry[]][] | null
      for (const [, entries] of streams ?? []) this.#handOut(entries, false)
    } catch (error) {
      throw line.client.status === 'ready' ? error : unavailable('the connection was lost', error)
    } finally {
      cancel()
      this.#isWaiting = false
    }
  }

  /** What comes while it is being closed stays with the consumer, and is given back with all it has. */
  #handOut(entries: readonly (RawEntry | null)[], redelivered: boolean): void {
    for (const entry of entries) {
      // Servers before version 7 show what was removed meanwhile as nothing.
      if (entry !== null && this.#state === 'open' && this.#parts.mayRead())
        this.#desk.handOut(entry, redelivered)
    }
  }

  #lookNow(): void {
    // A look that has not come to its end finds it anyway.
    if (this.#lookAtMs > 0) this.#lookAtMs = Math.min(this.#lookAtMs, this.#parts.machine.monotonic())
    this.#interrupt().catch(() => {})
  }

  /** An interruption that overtakes the call it is meant for has no effect. */
  async #stopWaiting(): Promise<void> {
    const { machine } = this.#parts
    let hasEnded = false
    const running = this.#running.then(() => {
      hasEnded = true
    })
    while (!hasEnded && this.#state === 'closing') {
      await this.#interrupt()
      await inTime(machine, INTERRUPT_AGAIN_MS, running)
    }
  }

  async #interrupt(): Promise<void> {
    const waiter = this.#waiter
    if (waiter !== null && this.#isWaiting)
      await this.#parts.line.ask((client) => client.client('UNBLOCK', waiter.id))
  }

  #beat(): void {
    const { machine, ackWaitMs, onLost } = this.#parts
    this.#cancelBeat = machine.schedule(ackWaitMs / BEATS_PER_ACK_WAIT, () => {
      this.#desk.keep().then(
        () => {
          if (this.#state === 'open') this.#beat()
        },
        (error: unknown) => {
          if (this.#state === 'open') onLost(error)
        },
      )
    })
  }

  #stopTimers(): void {
    this.#cancelBeat()
    this.#cancelLook()
  }
}
