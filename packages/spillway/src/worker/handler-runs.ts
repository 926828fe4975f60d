// The handler calls of one queue that are going on, from start to whatever ends them: the handler returned, its transaction
// could not be committed, it hangs, or the worker closes.

import { SpillwayError } from '../errors/index.js'
import type { Part, Parts } from './assembler.js'
import { declaredFault } from './classify.js'
import { executeRun, executeRunWithin, noteFailure, type RunResult } from './execute-run.js'
import { HandlerRun } from './handler-run.js'
import type { Holdings } from './holdings.js'
import type { QueueLimits } from './limits/queue-limits.js'
import { QueueHalt } from './queue-halt.js'
import type { SchemaFault } from './schema-fault.js'
import { storeBackoffMs } from './store-backoff.js'
import type { WorkerContext } from './worker-context.js'

export class HandlerRuns {
  readonly #context: WorkerContext
  readonly #holdings: Holdings
  readonly #halt: QueueHalt
  readonly #limits: Pick<QueueLimits, 'begin'>
  readonly #holdOff: (ms: number) => void
  readonly #runs = new Set<HandlerRun>()
  /** Transactions in a row that the store did not commit for reasons of its own, and pauses that it did not take. */
  #uncommitted = 0
  #unpaused = 0

  /** `holdOff` keeps the queue from claiming for a while. */
  constructor(
    context: WorkerContext,
    queue: string,
    holdings: Holdings,
    limits: Pick<QueueLimits, 'begin'>,
    holdOff: (ms: number) => void,
  ) {
    this.#context = context
    this.#holdings = holdings
    this.#limits = limits
    this.#halt = new QueueHalt({ ...context, queue })
    this.#holdOff = holdOff
  }

  /** Resolves when the slot is free. */
  run(parts: Parts): Promise<void> {
    return new Promise((resolve) => {
      const { definition, stage } = parts[0].chunk
      const run = new HandlerRun(parts, {
        onCall: stage === 'execute' ? this.#limits.begin(definition.name) : null,
        onHung: () => this.#hung(run),
        onOver: () => {
          this.#runs.delete(run)
          resolve()
        },
      })
      this.#runs.add(run)
      void this.#execute(run)
    })
  }

  /** Asks the handlers to stop. */
  interrupt(): void {
    const reason = new SpillwayError('closed', 'the worker is closing')
    for (const run of this.#runs) run.abort(reason)
  }

  /** Gives up on the handlers: their commands count as tried. */
  relinquish(): void {
    for (const run of [...this.#runs]) {
      if (this.#inTransaction(run)) {
        // It still holds its chunks in the store; they come free when that has undone it, or when their leases expire.
        this.#recordLost(run)
        run.abandon()
        for (const { chunk } of run.parts) chunk.end('expired')
      } else {
        noteFailure(
          this.#context,
          run,
          new SpillwayError('closed', 'the worker closed before the handler returned'),
        )
      }
      this.#over(run)
    }
  }

  async #execute(run: HandlerRun): Promise<void> {
    const result = await (this.#inTransaction(run)
      ? this.#executeWithin(run)
      : executeRun(this.#context, run))
    this.#holdings.keeper.ran(run.definition.name)
    // The slot of an abandoned one is free when its leases are over.
    if (run.over || result.kind === 'abandoned') return
    if (result.kind === 'noted') this.#uncommitted = 0
    else if (result.kind === 'halted') await this.#halted(run, result.fault)
    else this.#notCommitted(run, result.error)
    this.#over(run)
  }

  async #executeWithin(run: HandlerRun): Promise<RunResult> {
    if (this.#context.store.capabilities.transactionalSettle === 'sync')
      return executeRunWithin(this.#context, run)
    const { keeper } = this.#holdings
    await keeper.enclose(run.chunks)
    const result = await executeRunWithin(this.#context, run)
    await keeper.disclose(run.chunks)
    return result
  }

  /** Nothing about these commands: all that are held wait in the store until the queue is resumed, untried. */
  async #halted({ definition }: HandlerRun, fault: SchemaFault): Promise<void> {
    this.#holdOff(storeBackoffMs(this.#unpaused + 1, this.#context.random))
    this.#unpaused = (await this.#halt.pause(definition.name, fault)) ? 0 : this.#unpaused + 1
    this.#holdings.giveBack()
  }

  #over(run: HandlerRun): void {
    run.finish()
    for (const { chunk } of run.parts) this.#holdings.tend(chunk)
  }

  #inTransaction({ definition, stage }: HandlerRun): boolean {
    return (
      stage === 'execute' &&
      definition.settlement === 'transaction' &&
      this.#context.store.capabilities.transactionalSettle !== 'none'
    )
  }

  #notCommitted(run: HandlerRun, error: unknown): void {
    this.#context.telemetry.record({ event: 'fault', where: 'worker.settle_within', error })
    const fault = declaredFault(error)
    if (fault === 'transient') this.#giveBack(run)
    else if (fault === undefined) this.#leave(run)
    else if (run.commands.length === 1) noteFailure(this.#context, run, error)
    else for (const part of run.parts) this.#retryAlone(part)
  }

  /** It may have been committed all the same. Only a new lease tells, so the same effects are never written again under this one. */
  #giveBack(run: HandlerRun): void {
    this.#uncommitted += 1
    this.#holdOff(storeBackoffMs(this.#uncommitted, this.#context.random))
    this.#holdings.release(run.chunks.filter((chunk) => !chunk.ended))
  }

  /** Neither known to be undone nor known to pass: left to expire, which counts as an attempt and so comes to an end. */
  #leave(run: HandlerRun): void {
    for (const { chunk } of run.parts) chunk.leaving ??= 'expired'
  }

  /** The commit failed for what is in it, so nothing of it is stored: each command gets a transaction of its own. */
  #retryAlone({ chunk, commands }: Part): void {
    if (chunk.ended) return
    chunk.putBack(commands.length)
    if (chunk.pace === 'together') chunk.pace = 'alone'
    this.#holdings.assembler.add(chunk)
  }

  #hung(run: HandlerRun): void {
    this.#recordLost(run)
    for (const { chunk } of run.parts) {
      if (chunk.ended) continue
      chunk.leaving = 'hung'
      this.#holdings.tend(chunk)
    }
  }

  #recordLost({ definition: { queue, name: type }, commands }: HandlerRun): void {
    const count = commands.length
    this.#context.telemetry.record({ event: 'attempt.finished', queue, type, outcome: 'lost', count })
  }
}
