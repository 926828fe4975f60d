// The database as processes reach it: over a network that delays, past failures that leave the outcome open, through
// restarts that lose every answer under way. What it holds survives all of that; whoever asked may not.

import { SpillwayError } from '../../errors/index.js'
import type { SettleWork, Store, WakeSignal } from '../../ports/index.js'
import type { VirtualClock } from '../virtual-clock.js'
import type { Dice } from './dice.js'
import { type CallPlan, type FaultRates, NO_FAULTS, planCall } from './faults.js'
import type { Life } from './life.js'
import type { Recording } from './recording.js'
import { StoreRecorder } from './recording-store.js'

const WAKE_DELAY_MS_MAX = 3

export interface DatabaseOptions {
  readonly store: Store
  readonly clock: VirtualClock
  readonly recording: Recording
  readonly dice: Dice
  readonly rates: FaultRates
  /** How long a process that is stopped during a call stays stopped. */
  readonly pauseMs: () => number
  /**
   * Whether the outcome of an append may stay open, so that it is sent again. Not where chunks are pruned within the run: a
   * store that has forgotten a chunk takes it for a new one. In production a resend is seconds old and retention hours.
   */
  readonly appendsMayBeLost: boolean
}

export class Database {
  readonly recorder: StoreRecorder
  readonly #options: DatabaseOptions
  #rates: FaultRates
  #up = true
  /** Answers of an earlier era never arrive. */
  #era = 0
  /** What breaks off the transactions that are open. */
  readonly #transactions = new Set<() => void>()

  constructor(options: DatabaseOptions) {
    this.#options = options
    this.#rates = options.rates
    this.recorder = new StoreRecorder(options.store, options.recording)
  }

  stop(): void {
    this.#up = false
    this.#era += 1
    this.#options.recording.incident('store', 'down')
    for (const breakOff of this.#transactions) breakOff()
  }

  start(): void {
    if (!this.#up) this.#options.recording.incident('store', 'up')
    this.#up = true
  }

  heal(): void {
    this.#rates = NO_FAULTS
    this.start()
  }

  /** The store as one incarnation of a process sees it. */
  connect(life: Life): Store {
    const { recorder } = this
    const { store } = this.#options
    const call = <T>(name: string, apply: () => Promise<T>): Promise<T> => this.#call(life, name, apply)
    return {
      name: store.name,
      capabilities: { ...store.capabilities, durability: 'disk', shared: true },
      wake: this.#wakeFor(life),
      schema: store.schema,
      open: () => call('open', () => store.open()),
      close: async () => {},
      append: (drafts, options) => call('append', () => recorder.append(drafts, options)),
      appendSettled: (drafts, rows, options) =>
        call('appendSettled', () => recorder.appendSettled(drafts, rows, options)),
      claim: (request) => call('claim', () => recorder.claim(request)),
      extend: (items, leaseMs) => call('extend', () => recorder.extend(items, leaseMs)),
      settle: (items) => call('settle', () => recorder.settle(items)),
      settleWithin: (leases, work) =>
        this.#interactive(life, () => recorder.settleWithin(leases, this.#mortal(life, work))),
      promote: (request) => call('promote', () => recorder.promote(request, life.process)),
      prune: (request) => call('prune', () => recorder.prune(request)),
      probe: () => call('probe', () => store.probe()),
      control: {
        cancel: (ids) => call('cancel', () => recorder.control('cancel', ids)),
        redrive: (ids, options) => call('redrive', () => recorder.control('redrive', ids, options)),
        discard: (ids) => call('discard', () => recorder.control('discard', ids)),
        complete: (items, options) => call('complete', () => recorder.complete(items, options)),
        audit: (note, count) => call('audit', () => store.control.audit(note, count)),
        configureQueue: (queue, change) => call('configure', () => recorder.configureQueue(queue, change)),
        queueSettings: () => call('settings', () => store.control.queueSettings()),
      },
      readyTenants: (queue, types, limit) =>
        call('readyTenants', () => store.readyTenants(queue, types, limit)),
      shared: {
        read: (keys) => call('sharedRead', () => store.shared.read(keys)),
        write: (writes) => call('sharedWrite', () => store.shared.write(writes)),
        keys: (prefix, limit, after) => call('sharedKeys', () => store.shared.keys(prefix, limit, after)),
      },
      nodes: {
        heartbeat: (node, ttlMs) => call('heartbeat', () => store.nodes.heartbeat(node, ttlMs)),
        leave: (nodeId) => call('leave', () => store.nodes.leave(nodeId)),
        list: () => call('nodes', () => store.nodes.list()),
        acquire: (role, nodeId, leaseMs) => call('acquire', () => recorder.acquire(role, nodeId, leaseMs)),
        release: (lease) => call('release', () => store.nodes.release(lease)),
        roles: () => call('roles', () => store.nodes.roles()),
      },
      reader: {
        get: (ids, options) => call('get', () => recorder.get(ids, options)),
        list: (request) => call('list', () => store.reader.list(request)),
        waiting: (tokenHash) => call('waiting', () => store.reader.waiting(tokenHash)),
        errorGroups: (request) => call('errorGroups', () => store.reader.errorGroups(request)),
        audit: (request) => call('audits', () => store.reader.audit(request)),
        queues: () => call('queues', () => store.reader.queues()),
        accounting: () => call('accounting', () => store.reader.accounting()),
      },
    }
  }

  /** Once sent, a request arrives whatever becomes of its sender, even of its sender's patience. */
  #call<T>(life: Life, name: string, apply: () => Promise<T>): Promise<T> {
    const plan = this.#planFor(name)
    return this.#send(life, name, plan, (answer) => void this.#apply(plan, name, apply).then(answer))
  }

  /** A transaction with the caller's own work in it needs the caller: it waits while that is stopped, and dies with it. */
  #interactive<T>(life: Life, apply: () => Promise<T>): Promise<T> {
    const name = 'settleWithin'
    const { fail, ...rest } = this.#planFor(name)
    const plan = { ...rest, fail: fail === 'early' ? 'before' : fail } as const
    return this.#send(life, name, plan, (answer) => {
      life.enter(() => void this.#apply(plan, name, apply).then(answer))
    })
  }

  /** A process that dies inside its transaction takes the transaction with it; so does a database that restarts. */
  #mortal(life: Life, work: SettleWork<unknown>): SettleWork<unknown> {
    return (scope, valid) => {
      const settlements = work(scope, valid)
      if (life.over) throw died(life)
      return settlements instanceof Promise ? this.#whileWhole(life, settlements) : settlements
    }
  }

  #whileWhole<T>(life: Life, working: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const breakOff = (error: Error): void => {
        this.#options.recording.incident(life.process, 'loses its transaction')
        forget()
        reject(error)
      }
      const down = (): void => breakOff(lost('settleWithin'))
      const forgetLife = life.whenOver(() => breakOff(died(life)))
      const forget = (): void => {
        forgetLife()
        this.#transactions.delete(down)
      }
      this.#transactions.add(down)
      working.then(resolve, reject).finally(forget)
    })
  }

  #planFor(name: string): CallPlan {
    const plan = planCall(this.#rates, this.#options.dice)
    return this.#isCertain(name) && plan.fail !== 'before' ? { ...plan, fail: null } : plan
  }

  #isCertain(name: string): boolean {
    return (name === 'append' || name === 'appendSettled') && !this.#options.appendsMayBeLost
  }

  #send<T>(
    life: Life,
    name: string,
    plan: CallPlan,
    arrive: (answer: (answer: Answer<T>) => void) => void,
  ): Promise<T> {
    if (life.over) return life.crash()
    const { clock, recording } = this.#options
    if (plan.crash === 'before') {
      recording.incident(life.process, `crash before ${name}`)
      return life.crash()
    }
    const era = this.#era
    return new Promise((resolve, reject) => {
      const answer = (answered: Answer<T>): void => {
        if (plan.crash === 'after' && !life.over) {
          recording.incident(life.process, `crash after ${name}`)
          void life.crash()
        }
        clock.schedule(life.travelMs(plan.answerMs), () => {
          // A restart between sending and answering: the caller cannot know whether it was done.
          const told = era === this.#era || this.#isCertain(name) ? answered : { error: lost(name) }
          life.enter(() => ('error' in told ? reject(told.error) : resolve(told.value)))
        })
      }
      clock.schedule(life.travelMs(plan.requestMs), () => arrive(answer))
      if (plan.fail === 'early') answer({ error: lost(name) })
      if (plan.pause) this.#pause(life, name)
    })
  }

  async #apply<T>(plan: CallPlan, name: string, apply: () => Promise<T>): Promise<Answer<T>> {
    const { recording } = this.#options
    if (!this.#up) return { error: refused(name, 'the store is down') }
    if (plan.fail === 'before') {
      recording.incident('store', `fails before ${name}`)
      return { error: refused(name, 'it failed before anything happened') }
    }
    try {
      const value = await apply()
      if (plan.fail === null) return { value }
      recording.incident('store', plan.fail === 'after' ? `commits ${name} and fails` : `does ${name} late`)
      return { error: lost(name) }
    } catch (error) {
      return { error }
    }
  }

  #pause(life: Life, name: string): void {
    const { clock, recording, pauseMs } = this.#options
    if (life.paused) return
    recording.incident(life.process, `stopped during ${name}`)
    life.pause()
    clock.schedule(pauseMs(), () => life.resume())
  }

  #wakeFor(life: Life): WakeSignal {
    const { store, clock, dice, recording } = this.#options
    return {
      subscribe: (listener) =>
        store.wake.subscribe((queue, commands) => {
          if (dice.chance(this.#rates.wakeLost)) recording.incident(life.process, 'wake-up lost')
          else
            clock.schedule(life.travelMs(dice.between(0, WAKE_DELAY_MS_MAX)), () =>
              life.enter(() => listener(queue, commands)),
            )
        }),
    }
  }
}

type Answer<T> = { readonly value: T } | { readonly error: unknown }

function died({ process }: Life): Error {
  return new Error(`process ${process} died inside its transaction`)
}

function refused(name: string, why: string): SpillwayError {
  return new SpillwayError('store_unavailable', `Try ${name} again later: ${why}.`)
}

function lost(name: string): SpillwayError {
  return new SpillwayError(
    'store_unavailable',
    `Try ${name} again: the connection was lost before the answer.`,
    {
      details: { outcome: 'unknown' },
    },
  )
}
