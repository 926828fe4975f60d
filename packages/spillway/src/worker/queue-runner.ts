// The worker of one queue: claims while slots are free and fills them with handler calls. Handler calls at once never exceed
// the queue's concurrency.

import type { ResolvedQueue } from '../config/index.js'
import type { BreakerPhase } from '../domain/index.js'
import type { ClaimRequest } from '../ports/index.js'
import type { Assignment } from './assembler.js'
import type { ClaimedLease, ClaimSource, ComeBack } from './claims/claim-source.js'
import { DeliveryClaims } from './claims/delivery-claims.js'
import { Deliveries, deliverySource } from './deliveries/index.js'
import { HandlerRuns } from './handler-runs.js'
import type { HeldChunk } from './held-chunk.js'
import { Holdings } from './holdings.js'
import { runAlone } from './isolation.js'
import { Lane } from './lane.js'
import { QueueLimits } from './limits/queue-limits.js'
import {
  CLAIM_CHUNKS_MAX,
  commandsToClaim,
  HELD_CHUNKS_MAX,
  type LanePlan,
  laneKindOf,
  type QueuePlan,
} from './queue-plan.js'
import { ShortRuns } from './short-way/short-runs.js'
import { Shortcut } from './short-way/shortcut.js'
import type { WorkerContext } from './worker-context.js'

export class QueueRunner {
  readonly shortRuns: ShortRuns
  readonly #context: WorkerContext
  readonly #queue: ResolvedQueue
  readonly #lanes: readonly Lane[]
  readonly #holdings: Holdings
  readonly #runs: HandlerRuns
  readonly #limits: QueueLimits
  readonly #shortcut: Shortcut
  /** Of a queue whose chunks come from a broker. */
  readonly #deliveries: Deliveries | null
  readonly #deliveryClaims: DeliveryClaims[] = []
  #slotsInUse = 0
  #fillDeferred = false

  constructor(context: WorkerContext, queue: ResolvedQueue, { definitions, lanes }: QueuePlan) {
    this.#context = context
    this.#queue = queue
    this.#shortcut = new Shortcut(context, queue, definitions)
    this.#deliveries = this.#deliveriesOf(definitions)
    this.#limits = new QueueLimits(
      {
        ...context,
        ...(this.#deliveries === null ? {} : { sourceOf: this.#claimsOf(this.#deliveries) }),
        active: () => this.#slotsInUse,
        queued: () => this.#holdings.assembler.ready(),
        onBreakerChange: (type, phase) => this.#breakerChanged(type, phase),
      },
      queue,
      definitions,
    )
    this.#lanes = lanes.map(
      (plan) =>
        new Lane({
          ...context,
          plan,
          claims: (comeBack) => this.#limits.claimsOf(plan.types, comeBack),
          request: () => this.#claimRequest(plan),
          onLeases: (leases, deadline) => this.#claimed(leases, deadline),
        }),
    )
    const mayBegin = (type: string): boolean => this.#limits.mayBegin(type)
    this.#holdings = new Holdings(context, queue, definitions, mayBegin, (chunk) => this.#chunkEnded(chunk))
    this.shortRuns = new ShortRuns({
      shortcut: this.#shortcut,
      deliveries: this.#deliveries,
      hasSlot: () => this.#hasSlot && !this.#holdings.closing,
      onBegin: () => {
        this.#slotsInUse += 1
      },
      onEnd: (isStored) => this.#shortEnded(isStored),
    })
    this.#runs = new HandlerRuns(context, queue.name, this.#holdings, this.#limits, (ms) => this.#holdOff(ms))
  }

  start(): void {
    this.#deliveries?.start()
    this.#considerClaims()
  }

  /** The store has something to claim. */
  announce(commands: number): void {
    for (const claims of this.#deliveryClaims) claims.announced()
    for (const { claimer } of this.#lanes) claimer.announce(commands)
  }

  /** Claims at once; resolves when there was nothing left to claim and all of it is settled. */
  async idle(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.idle()))
  }

  /** Claims nothing more and gives back what no handler has begun; resolves when nothing is held any more. */
  async close(): Promise<void> {
    const unsubscribed = this.#deliveries?.close()
    const emptied = Promise.all(this.#lanes.map((lane) => lane.close()))
    this.#holdings.close()
    this.#checkIdle()
    await emptied
    await unsubscribed
    await this.#limits.close()
  }

  /** Asks the handlers that still run to stop. */
  interrupt(): void {
    this.#runs.interrupt()
  }

  /** Gives up on the handlers that still run. */
  relinquish(): void {
    this.#runs.relinquish()
  }

  /** Leaves whatever is still held to its lease. */
  abandon(): void {
    this.#holdings.keeper.stop()
  }

  #deliveriesOf(definitions: QueuePlan['definitions']): Deliveries | null {
    const source = deliverySource(this.#queue)
    if (source === null) return null
    return new Deliveries(this.#context, {
      ...source,
      queue: this.#queue,
      types: new Set(definitions.keys()),
      mayBegin: (type) => this.#limits.mayBegin(type),
      shortCallSize: (type) => this.#shortcut.callSize(type),
      onWaiting: (type, commands) => this.#arrived(type, commands),
    })
  }

  #claimsOf(deliveries: Deliveries): (types: readonly string[], comeBack: ComeBack) => ClaimSource {
    return (types, comeBack) => {
      const claims = new DeliveryClaims({ ...this.#context, deliveries, types, comeBack })
      this.#deliveryClaims.push(claims)
      return claims
    }
  }

  #arrived(type: string, commands: number): void {
    if (commands <= this.#shortcut.callSize(type)) this.#fillSoon()
    else
      for (const { plan, claimer } of this.#lanes) if (plan.types.includes(type)) claimer.announce(commands)
  }

  #claimRequest(plan: LanePlan): ClaimRequest | null {
    const slots = this.#limits.calls.current - this.#slotsInUse
    const chunksMax = Math.min(CLAIM_CHUNKS_MAX, HELD_CHUNKS_MAX - this.#holdings.size)
    if (slots <= 0 || chunksMax <= 0) return null
    const ready = this.#holdings.assembler.ready(plan.kind)
    if (ready >= plan.callSize) return null
    return {
      queue: this.#queue.name,
      types: plan.types,
      chunksMax,
      commandsMax: commandsToClaim(plan, slots, ready),
      leaseMs: this.#queue.leaseMs,
      workerId: this.#context.workerId,
    }
  }

  #claimed(leases: readonly ClaimedLease[], deadline: number): void {
    if (leases.length > 0) this.#holdings.take(leases, deadline)
    // Even when nothing was found: claiming may have shown that a breaker lets calls through again, and what waits may take the short way by now.
    this.#fill()
    this.#checkIdle()
  }

  /** Fills free slots. */
  #fill(): void {
    const { assembler, closing } = this.#holdings
    if (closing) return
    while (this.#hasSlot) {
      const assignment = assembler.next(this.#context.clock.monotonic())
      if (assignment === null) break
      void this.#occupySlot(assignment)
      // A batch may keep this thread busy for a while: whoever submits meanwhile gets a turn before the next one.
      if (laneKindOf(definitionOf(assignment)) !== 'single') break
    }
    this.shortRuns.fill()
    if (this.#hasSlot && assembler.ready() > 0) this.#fillSoon()
    else this.#considerClaims()
  }

  get #hasSlot(): boolean {
    return this.#slotsInUse < this.#limits.calls.current
  }

  #shortEnded(isStored: boolean): void {
    this.#slotsInUse -= 1
    this.shortRuns.fill()
    if (!isStored) for (const lane of this.#lanes) lane.madeWay()
    this.#checkIdle()
    this.#fillSoon()
  }

  #fillSoon(): void {
    if (this.#fillDeferred) return
    this.#fillDeferred = true
    this.#context.clock.defer(() => {
      this.#fillDeferred = false
      this.#fill()
    })
  }

  async #occupySlot(assignment: Assignment): Promise<void> {
    this.#slotsInUse += 1
    if ('parts' in assignment) await this.#runs.run(assignment.parts)
    else {
      await runAlone(assignment.alone, {
        keeper: this.#holdings.keeper,
        isClosing: () => this.#holdings.closing,
        run: (parts) => this.#runs.run(parts),
      })
      this.#holdings.tend(assignment.alone)
    }
    this.#slotsInUse -= 1
    this.#checkIdle()
    this.#fillSoon()
  }

  #considerClaims(): void {
    for (const { claimer } of this.#lanes) claimer.consider()
  }

  #holdOff(ms: number): void {
    for (const { claimer } of this.#lanes) claimer.holdOff(ms)
  }

  /** What waits for a breaker that opens is better off in the store; what waits for one that closes can go on. */
  #breakerChanged(type: string, phase: BreakerPhase): void {
    if (phase === 'open') this.#holdings.giveBack(type)
    else if (phase === 'closed') {
      this.#fillSoon()
      for (const { claimer } of this.#lanes) claimer.hurry()
    }
  }

  #chunkEnded({ lease }: HeldChunk): void {
    this.#deliveries?.ended(lease.chunkId)
    if (this.#queue.partitions !== null) for (const lane of this.#lanes) lane.madeWay()
    this.#considerClaims()
    this.#checkIdle()
  }

  #checkIdle(): void {
    if (this.#holdings.size > 0 || this.#slotsInUse > 0) return
    for (const lane of this.#lanes) lane.nothingHeld()
  }
}

function definitionOf(assignment: Assignment) {
  return 'alone' in assignment ? assignment.alone.definition : assignment.parts[0].chunk.definition
}
