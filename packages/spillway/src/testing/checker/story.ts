// Writes histories by hand for the checker's own tests: one line per thing that happens, with the states of commands kept
// along, so that a story is valid unless a test spoils it.

import { commandId, isTerminal, type Stage, type UpdateState } from '../../domain/index.js'
import type { Accounting, QueueCounts } from '../../ports/index.js'
import type {
  Answered,
  AppendedCommand,
  CallbackSubject,
  Change,
  Completed,
  Controlled,
  FinalDump,
  History,
  HistoryEvent,
  QueueRule,
  Reply,
  Snapshot,
  Stepped,
  StoredCommand,
  TypeRule,
  WrittenUpdate,
} from './history.js'

const LEASE_MS = 1_000

export interface SubmitLine {
  readonly op: number
  readonly type: string
  readonly n: number
  readonly key?: string
  readonly windowMs?: number
  readonly runAt?: number
}

export interface ClaimLine {
  readonly chunk: string
  readonly type: string
  readonly token: number
  readonly worker: string
  readonly ids: readonly string[]
  readonly expiries?: number
  readonly promoted?: boolean
  readonly partition?: number
  /** Executions before this chunk. */
  readonly attempts?: number
  readonly stage?: Stage
}

export interface WriteLine {
  readonly verb?: 'extend' | 'settle'
  readonly chunk: string
  readonly token: number
  readonly worker: string
  readonly verdict?: 'ok' | 'stale'
  readonly release?: boolean
  readonly complete?: boolean
  readonly updates?: readonly WrittenUpdate[]
  readonly finished?: readonly string[]
  /** Ids that succeed because the chunk is complete. */
  readonly rest?: readonly string[]
  /** Callbacks' chunks that it brings along. */
  readonly brings?: readonly CallbackLine[]
}

/** The callback of a command's end, in a chunk of its own. */
export interface CallbackLine extends CallbackSubject {
  readonly chunk: string
}

export const CALLBACK_TYPE = 'told'

export function payloadOf(n: number): string {
  return JSON.stringify({ n })
}

/** 32 hex digits from one letter. */
export function chunkIdOf(letter: string): string {
  return letter.repeat(32)
}

export class Story {
  at = 1_000
  readonly #types: Readonly<Record<string, TypeRule>>
  readonly #queues: Readonly<Record<string, QueueRule>>
  readonly #events: HistoryEvent[] = []
  readonly #commands = new Map<string, StoredCommand>()
  readonly #effects: { transaction: string[]; rows: string[] } = { transaction: [], rows: [] }
  #serial = 100

  constructor(types: Readonly<Record<string, TypeRule>>, queues: Readonly<Record<string, QueueRule>>) {
    this.#types = types
    this.#queues = queues
  }

  later(ms: number): void {
    this.at += ms
  }

  submit({ op, type, n, key = undefined, windowMs = 86_400_000, runAt = undefined }: SubmitLine): void {
    const payload = payloadOf(n)
    this.#events.push({
      ...{ kind: 'submitted', at: this.at, op, type, payload, windowMs },
      key: key ?? null,
      runAt: runAt ?? null,
    })
  }

  answer(op: number, answer: Answered['answer'], id: string | null = null, code: string | null = null): void {
    this.#events.push({ kind: 'answered', at: this.at, op, answer, id, code })
  }

  /** Stores commands of a sink as settled, with their rows. */
  settleAtOnce(chunk: string, type: string, numbers: readonly number[]): void {
    const chunkId = chunkIdOf(chunk)
    const commands = numbers.map(
      (n, index): AppendedCommand => ({
        ...{ id: commandId(chunkId, index), payload: payloadOf(n), verdict: 'accepted', dueAt: null },
      }),
    )
    this.#events.push({ kind: 'appended', at: this.at, chunkId, type, commands, settled: true })
    for (const { id, payload } of commands) {
      this.#commands.set(id, {
        ...{ id, type, state: 'succeeded', payload, attempts: 1, generation: 0 },
        ...{ nextAt: null, finishedAt: this.at, result: null },
      })
      this.#effects.rows.push(payload)
    }
  }

  append(
    chunk: string,
    type: string,
    commands: readonly {
      readonly n: number
      readonly verdict?: 'duplicate' | 'conflict'
      readonly dueAt?: number
      readonly orderingKey?: string
    }[],
  ): void {
    const chunkId = chunkIdOf(chunk)
    this.#events.push({
      ...{ kind: 'appended', at: this.at, chunkId, type },
      commands: commands.map(
        ({ n, verdict, dueAt = null, orderingKey }, index): AppendedCommand => ({
          id: commandId(chunkId, index),
          payload: payloadOf(n),
          verdict: verdict ?? 'accepted',
          dueAt,
          ...(orderingKey === undefined ? {} : { orderingKey }),
        }),
      ),
    })
    for (const [index, { n, verdict, dueAt }] of commands.entries()) {
      if (verdict !== undefined) continue
      const id = commandId(chunkId, index)
      const state = dueAt === undefined ? 'accepted' : 'scheduled'
      this.#commands.set(id, {
        ...{ id, type, state, payload: payloadOf(n), attempts: 0, generation: 0 },
        ...{ nextAt: dueAt ?? null, finishedAt: null, result: null },
      })
    }
  }

  claim({ chunk, type, token, worker, ids, ...rest }: ClaimLine): void {
    const { expiries = 0, promoted = false, partition = null, attempts = 0, stage = 'execute' } = rest
    const queue = this.#types[type]?.queue ?? type
    this.#events.push({
      ...{ kind: 'claimed', at: this.at, worker, chunkId: chunkIdOf(chunk), token, queue, type, partition },
      ...{ leaseMs: LEASE_MS, expiries, promoted, stage },
      commands: ids.map((id, index) => ({ index, id, attempts })),
    })
    if (stage === 'execute') for (const id of ids) this.#move(id, 'running')
  }

  /** One execution from start to end, with its effect where its type's effects go. */
  run(line: {
    id: string
    chunk: string
    token: number
    worker: string
    attempt: number
    state?: UpdateState
    stage?: Stage
  }): void {
    const { id, chunk, token, worker, attempt, state = 'succeeded', stage = 'execute' } = line
    const { type, payload } = this.#commands.get(id) as StoredCommand
    this.#serial += 1
    const [run, call] = [this.#serial, this.#serial]
    const chunkId = chunkIdOf(chunk)
    this.#events.push({
      kind: 'started',
      at: this.at,
      run,
      call,
      worker,
      type,
      id,
      payload,
      attempt,
      chunkId,
      token,
      stage,
    })
    if (state === 'succeeded' && stage === 'execute') this.#effect(id, type, payload)
    this.later(5)
    const result = state === 'succeeded' ? JSON.stringify({ ran: id }) : null
    this.#events.push({ kind: 'ended', at: this.at, run, call, id, state, result })
    this.#commands.set(id, { ...(this.#commands.get(id) as StoredCommand), result })
  }

  write({ verb = 'settle', chunk, token, worker, verdict = 'ok', ...rest }: WriteLine): void {
    const { release = false, complete = false, updates = [], finished = [], brings = [] } = rest
    const changes: Change[] = []
    if (verdict === 'ok') {
      for (const { id, state, attempts, delayMs } of updates) {
        changes.push(
          this.#move(id, state, { attempts, nextAt: state === 'retrying' ? this.at + delayMs : null }),
        )
      }
      for (const id of [...finished, ...(rest.rest ?? [])]) changes.push(this.#move(id, 'succeeded'))
    }
    this.#events.push({
      ...{
        kind: 'written',
        at: this.at,
        verb,
        worker,
        chunkId: chunkIdOf(chunk),
        token,
        verdict,
        release,
        complete,
      },
      ...{ leaseMs: verb === 'extend' ? LEASE_MS : 0, cursor: null, updates, finished, changes },
      appended: brings.map((callback) => this.#bring(callback)),
    })
  }

  control(verb: Controlled['verb'], id: string, verdict: 'ok' | 'not_found' | 'conflict'): void {
    const before = this.#snapshot(id)
    if (verdict === 'ok' && verb === 'cancel') this.#move(id, 'cancelled')
    if (verdict === 'ok' && verb === 'discard')
      this.#move(id, 'cancelled', { generation: (before?.generation ?? 0) + 1 })
    if (verdict === 'ok' && verb === 'redrive') {
      this.#move(id, 'retrying', { attempts: 0, nextAt: this.at, generation: (before?.generation ?? 0) + 1 })
    }
    this.#events.push({
      kind: 'controlled',
      at: this.at,
      verb,
      id,
      verdict,
      before,
      after: this.#snapshot(id),
    })
  }

  /** `unseen`: commands that keep the state they wait in. */
  promote(ids: readonly string[], unseen = 0): void {
    const changes = ids.map((id) => this.#move(id, 'accepted'))
    const count = ids.length + unseen
    this.#events.push({ kind: 'promoted', at: this.at, worker: 'm1', count, unseen, changes })
  }

  /** A function of the type is called, and what it came to; nothing when it never returned. */
  call(id: string, stage: Stage, reply: Reply | null): void {
    this.#serial += 1
    const call = this.#serial
    this.#events.push({ kind: 'called', at: this.at, call, id, stage })
    if (reply === null) return
    this.later(1)
    this.#events.push({ kind: 'replied', at: this.at, call, id, stage, reply })
  }

  /** In the call that was begun last. */
  step(id: string, step: number, ...what: readonly Stepped['what'][]): void {
    for (const one of what)
      this.#events.push({ kind: 'stepped', at: this.at, call: this.#serial, id, step, what: one })
  }

  complete(hash: string, id: string, verdict: Completed['verdict'], state: UpdateState = 'succeeded'): void {
    const before = this.#snapshot(id)
    if (verdict === 'ok') this.#move(id, state)
    this.#events.push({
      ...{ kind: 'completed', at: this.at, hash, verdict, id, state, delayMs: 0, result: null },
      ...{ before, after: this.#snapshot(id), appended: [] },
    })
  }

  /** The callback in this chunk reaches its receiver. */
  deliver(chunk: string, taken: boolean): void {
    const { payload } = this.#commands.get(commandId(chunkIdOf(chunk), 0)) as StoredCommand
    const { id: callback, body } = JSON.parse(payload) as { readonly id: string; readonly body: string }
    this.#events.push({ kind: 'delivered', at: this.at, callback, body, taken })
  }

  prune(ids: readonly string[], retentionMs: number): void {
    const changes = ids.map((id) => {
      const before = this.#snapshot(id)
      this.#commands.delete(id)
      return { id, before, after: null }
    })
    this.#events.push({ kind: 'pruned', at: this.at, retentionMs, failedRetentionMs: retentionMs, changes })
  }

  pause(queue: string, paused: boolean): void {
    this.#events.push({ kind: 'paused', at: this.at, queue, paused })
  }

  look(id: string): void {
    this.#events.push({ kind: 'observed', at: this.at, id, snapshot: this.#snapshot(id) })
  }

  account(): void {
    const accounting = accountingOf(this.#commands.values())
    const queues: QueueCounts[] = Object.keys(this.#queues).map((queue) => ({
      ...{ queue, paused: false, oldestReadyAt: null, readyBytes: 0 },
      ...accountingOf([...this.#commands.values()].filter(({ type }) => this.#types[type]?.queue === queue)),
    }))
    this.#events.push({ kind: 'accounted', at: this.at, accounting, listed: accounting, queues, drift: [] })
  }

  heal(boundMs: number): void {
    this.#events.push({ kind: 'healed', at: this.at, boundMs })
  }

  end(): History {
    const final: FinalDump = {
      at: this.at,
      commands: [...this.#commands.values()],
      transactionEffects: this.#effects.transaction,
      sinkRows: this.#effects.rows,
    }
    return { types: this.#types, queues: this.#queues, events: this.#events, final }
  }

  #bring({ chunk, id: of, state }: CallbackLine): string {
    const chunkId = chunkIdOf(chunk)
    const id = commandId(chunkId, 0)
    const payload = JSON.stringify({
      id: `callback-${chunk}`,
      body: JSON.stringify({ data: { id: of, state } }),
    })
    const command: AppendedCommand = { id, payload, verdict: 'accepted', dueAt: null }
    this.#events.push({ kind: 'appended', at: this.at, chunkId, type: CALLBACK_TYPE, commands: [command] })
    this.#commands.set(id, {
      ...{ id, type: CALLBACK_TYPE, state: 'accepted', payload, attempts: 0, generation: 0 },
      ...{ nextAt: null, finishedAt: null, result: null },
    })
    return id
  }

  #effect(id: string, type: string, payload: string): void {
    const mode = this.#types[type]?.effects
    if (mode === 'transaction') this.#effects.transaction.push(id)
    else if (mode === 'sink') this.#effects.rows.push(payload)
    else if (mode === 'plain') this.#events.push({ kind: 'effect', at: this.at, id, payload })
  }

  #snapshot(id: string): Snapshot | null {
    const command = this.#commands.get(id)
    if (command === undefined) return null
    const { state, attempts, generation, nextAt, finishedAt } = command
    return { id, state, attempts, generation, nextAt, finishedAt }
  }

  #move(id: string, state: Snapshot['state'], fields: Partial<Snapshot> = {}): Change {
    const before = this.#snapshot(id)
    const command = this.#commands.get(id) as StoredCommand
    const ended = isTerminal(state)
    this.#commands.set(id, { ...command, nextAt: null, ...fields, state, finishedAt: ended ? this.at : null })
    return { id, before, after: this.#snapshot(id) }
  }
}

function accountingOf(commands: Iterable<Snapshot>): Accounting {
  const counts = {
    accepted: 0,
    ready: 0,
    running: 0,
    scheduled: 0,
    retrying: 0,
    reconciling: 0,
    pending: 0,
    blocked: 0,
    compensating: 0,
    succeeded: 0,
    failed: 0,
    dead: 0,
    cancelled: 0,
    compensated: 0,
  }
  for (const { state } of commands) {
    counts.accepted += 1
    counts[state === 'accepted' ? 'ready' : state] += 1
  }
  return counts
}
