// Running held commands through the executor, and seeing to what did not succeed: it is parked in the store. Only when the
// store cannot take it either is a command lost, and that is counted and told. A handler that never returns is
// given up after its time; its command is not tried again by itself, because the handler may still be at it.

import {
  BISECT_EXECUTIONS_MAX,
  callbackDrafts,
  decodeBody,
  type ErrorRecord,
  type Exception,
  encodeBody,
  type ParkedDraft,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import {
  type Cancel,
  type ExecutableCommand,
  type ExecutionReport,
  type ReportedUpdate,
  settledEvent,
} from '../ports/index.js'
import type { ChannelContext } from './channel-context.js'
import type { Ending, HeldCommand } from './held-command.js'
import type { HeldCommands } from './held-commands.js'
import { parkedDraft } from './parked-draft.js'
import { Parking } from './parking.js'

/** Beyond its timeout, what a handler gets to notice that its signal was aborted. */
export const HUNG_GRACE_MS = 5_000
/** How often running handlers are looked after. */
const WATCH_EVERY_MS = 1_000

const DEAD_BY_FAULT: ReportedUpdate = Object.freeze({
  ...{ index: 0, state: 'dead', attempts: 1, delayMs: 0 },
  error: { code: 'internal', message: 'The executor failed; see the fault in the log.' },
})

const GIVEN_UP: Exception = Object.freeze({
  outcome: 'exception',
  fault: 'permanent',
  error: {
    code: 'handler_timeout',
    message: 'The handler did not return, not even after its timeout; it may have had its effect.',
  },
})

const SUCCEEDED: Ending = Object.freeze({ state: 'succeeded', attempts: 1, error: null, result: null })

interface Execution {
  readonly batch: readonly HeldCommand[]
  readonly commands: readonly ExecutableCommand[]
  /** By the monotonic clock. */
  giveUpAt: number
  readonly resolve: () => void
}

export class Executions {
  readonly #context: ChannelContext
  readonly #held: HeldCommands
  readonly #parking: Parking
  readonly #running = new Set<Execution>()
  readonly #closing = new AbortController()
  #cancelWatch: Cancel | null = null

  constructor(context: ChannelContext, held: HeldCommands) {
    this.#context = context
    this.#held = held
    this.#parking = new Parking(context)
  }

  /** Commands of one type. Resolves when each has ended here or is in the store; never rejects. */
  run(batch: readonly HeldCommand[]): Promise<void> {
    return new Promise((resolve) => {
      const giveUpAt = this.#context.clock.monotonic() + this.#patienceMs(batch)
      const execution: Execution = { batch, commands: commandsOf(batch), giveUpAt, resolve }
      this.#running.add(execution)
      this.#cancelWatch ??= this.#watchLater()
      void this.#execute(execution)
    })
  }

  /** Puts commands that were never run into the store, due at once. */
  async handOver(waiting: readonly HeldCommand[]): Promise<void> {
    const nextAt = this.#context.clock.now()
    await Promise.all(
      waiting.map((held) => this.#park(held, { state: 'scheduled', nextAt, attempts: 0, error: null })),
    )
  }

  /** Asks what runs to stop, and gives up what does not within the grace. */
  abort(): void {
    this.#closing.abort()
    const giveUpAt = this.#context.clock.monotonic() + HUNG_GRACE_MS
    for (const execution of this.#running) execution.giveUpAt = Math.min(execution.giveUpAt, giveUpAt)
  }

  /** Once nothing runs any more. */
  close(): void {
    this.#cancelWatch?.()
  }

  #patienceMs(batch: readonly HeldCommand[]): number {
    const timeoutMs = this.#context.definitions.get((batch[0] as HeldCommand).type)?.timeoutMs ?? 0
    // A failing batch may be searched for its bad commands, which takes several calls of the handler.
    return (batch.length === 1 ? timeoutMs : timeoutMs * BISECT_EXECUTIONS_MAX) + HUNG_GRACE_MS
  }

  async #execute(execution: Execution): Promise<void> {
    const { batch } = execution
    const report = await this.#callExecutor(execution).catch((error: unknown) => {
      this.#recordFault(error)
      return batch.map(() => DEAD_BY_FAULT)
    })
    // Given up before: whatever it says now comes too late.
    if (this.#running.delete(execution)) await this.#end(execution, report)
  }

  async #callExecutor({ batch, commands }: Execution): Promise<ExecutionReport> {
    const { type } = batch[0] as HeldCommand
    const report = await this.#context.executor.execute(type, commands, { signal: this.#closing.signal })
    if (report.length === batch.length) return report
    throw new RangeError(`the executor reported ${report.length} of ${batch.length} commands`)
  }

  async #end({ batch, resolve }: Execution, report: ExecutionReport): Promise<void> {
    const stored: Promise<unknown>[] = []
    const callbacks: string[] = []
    for (const [index, held] of batch.entries()) {
      const update = report[index] ?? null
      if (update === null || update.state === 'succeeded') {
        this.#held.end(held, { ...SUCCEEDED, result: update?.result ?? null })
        this.#tell(held, update)
        if (update?.callback !== undefined) callbacks.push(update.callback)
      } else stored.push(this.#parkUpdate(held, update))
    }
    if (callbacks.length > 0) stored.push(this.#storeCallbacks(callbacks))
    if (stored.length > 0) await Promise.all(stored)
    resolve()
  }

  async #parkUpdate(held: HeldCommand, update: ReportedUpdate): Promise<void> {
    const { callbackRoute } = this.#context
    const drafts =
      update.callback === undefined || callbackRoute === undefined
        ? []
        : callbackDrafts([update.callback], callbackRoute)
    const parked = parkedDraft(update, this.#context.clock.now())
    if (await this.#parking.park(held, parked, drafts)) {
      this.#held.release(held)
      this.#tell(held, update)
    } else this.#lose(held, update.attempts)
  }

  /** What succeeded in memory has no place in the store; that somebody wants to hear of it has. */
  async #storeCallbacks(callbacks: readonly string[]): Promise<void> {
    const { callbackRoute } = this.#context
    if (callbackRoute === undefined || (await this.#parking.store(callbackDrafts(callbacks, callbackRoute))))
      return
    const message = `${callbacks.length} callbacks could not be stored and are lost`
    this.#recordFault(new SpillwayError('store_unavailable', message))
  }

  #tell(held: HeldCommand, update: ReportedUpdate | null): void {
    const { executor, listener } = this.#context
    if (update?.forget === true) executor.forget([held.id])
    if (listener?.listening() !== true) return
    const event = settledEvent({ id: held.id, attempt: SUCCEEDED.attempts }, held, update)
    if (event !== null) listener.settled([event])
  }

  async #park(held: HeldCommand, parked: ParkedDraft): Promise<void> {
    if (await this.#parking.park(held, parked)) this.#held.release(held)
    else this.#lose(held, parked.attempts)
  }

  #lose(held: HeldCommand, attempts: number): void {
    const { type, queue, id: commandId } = held
    const message = 'Lost: it did not succeed, and the store could not take it for a retry.'
    const error: ErrorRecord = { code: 'store_unavailable', message }
    this.#recordLost(type, 1)
    this.#context.telemetry.record({
      ...{ event: 'command.exception', queue, type, commandId, attempt: attempts, state: 'dead', message },
      errorCode: error.code,
    })
    this.#held.end(held, { state: 'dead', attempts, error, result: null })
  }

  #watchLater(): Cancel {
    return this.#context.clock.schedule(WATCH_EVERY_MS, () => {
      const now = this.#context.clock.monotonic()
      for (const execution of this.#running) if (execution.giveUpAt <= now) this.#giveUp(execution)
      this.#cancelWatch = this.#running.size > 0 ? this.#watchLater() : null
    })
  }

  #giveUp(execution: Execution): void {
    const { batch, commands } = execution
    const { type } = batch[0] as HeldCommand
    this.#running.delete(execution)
    this.#recordLost(type, batch.length)
    const exceptions = commands.map(() => GIVEN_UP)
    void this.#end(execution, this.#context.executor.conclude(type, commands, exceptions, { crashed: true }))
  }

  #recordLost(type: string, count: number): void {
    const { telemetry, queue } = this.#context
    telemetry.record({ event: 'attempt.finished', queue: queue.name, type, outcome: 'lost', count })
  }

  #recordFault(error: unknown): void {
    const { telemetry, queue } = this.#context
    telemetry.record({ event: 'fault', where: `channel ${queue.name}: execution`, error })
  }
}

function commandsOf(batch: readonly HeldCommand[]): readonly ExecutableCommand[] {
  const payloads = decodeBody(encodeBody(batch.map(({ json }) => json)), batch.length)
  return batch.map((held, index): ExecutableCommand => {
    const { id, acceptedAt } = held
    held.state = 'running'
    return { id, index, payload: payloads[index], attempt: 1, acceptedAt }
  })
}
