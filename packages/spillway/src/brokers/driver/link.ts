// One connection to the server, made again and again when it is lost. Clients that can reconnect by themselves are not let do it: what was
// sent before and what was held before would carry over in ways that differ by moment. Here a lost connection ends everything that went
// over it, and the next one begins anew.

import { backoffMs } from '../../domain/index.js'
import { isCertificateError, isSpillwayError, type SpillwayError } from '../../errors/index.js'
import type { Cancel, Telemetry } from '../../ports/index.js'
import type { Failures } from './failures.js'
import type { Machine } from './machine.js'
import { Told } from './told.js'

/** Is told of every connection: when it is ready, and when it is lost. */
export interface LinkListener<Line> {
  begin(line: Line): void
  end(line: Line): void
}

/** Between tries: doubled from one to the next, and partly left to chance. */
export interface Pauses {
  readonly delayMsMax: number
  /** The part of a pause that is waited in any case: 0 leaves all of it to chance. */
  readonly steadyShare: number
  /** A connection that is lost sooner counts as one more that failed. */
  readonly stableMs: number
}

export interface LinkParts<Line> {
  /** As telemetry names it. */
  readonly broker: string
  readonly machine: Pick<Machine, 'monotonic' | 'schedule' | 'random'>
  readonly failures: Pick<Failures, 'closed' | 'unavailable'>
  readonly pauses: Pauses
  /** Makes a connection, and sure of everything on the server before it is used. Calls `lost` once when the connection is. */
  readonly connect: (lost: (why: unknown) => void) => Promise<Line>
  /** Ends it at once. */
  readonly cut: (line: Line) => void
  /** Ends it in order, in a time of its own. */
  readonly leave: (line: Line) => Promise<void>
}

const RECONNECT_MS_MIN = 50

/** `Line` is one connection, from when it is ready until it is lost. */
export class Link<Line extends object> {
  readonly #parts: LinkParts<Line>
  readonly #listeners = new Set<LinkListener<Line>>()
  readonly #waiting = new Set<() => void>()
  #telemetry: Telemetry | null = null
  #line: Line | null = null
  #state: 'new' | 'open' | 'closed' = 'new'
  #connecting: Promise<void> | null = null
  /** By the monotonic clock; since there is none, for ever. */
  #beganAtMs = Number.POSITIVE_INFINITY
  #failures = 0
  /** Of the last try to connect; null when it went well. */
  #failure: unknown = null
  readonly #told = new Told()
  #cancel: Cancel = () => {}

  constructor(parts: LinkParts<Line>) {
    this.#parts = parts
  }

  get line(): Line | null {
    return this.#line
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** It could not be connected to the last time it was tried. */
  get isAway(): boolean {
    return this.#line === null && this.#failures > 0
  }

  /** Throws when the server cannot be had now. From then on it is connected to again and again. */
  async open(telemetry: Telemetry | null): Promise<void> {
    if (this.isClosed) throw this.#parts.failures.closed()
    this.#telemetry = telemetry
    await this.#connect()
    this.#state = 'open'
  }

  /** Connects in the background, unless it was begun before. */
  start(telemetry: Telemetry | null): void {
    if (this.#state !== 'new') return
    this.#telemetry = telemetry
    this.#state = 'open'
    this.#connect().catch((error: unknown) => this.#again(error))
  }

  /** The connection, or an error that says why there is none. */
  lineNow(): Line {
    if (this.#line === null) throw this.absence()
    return this.#line
  }

  /** Why there is no connection. What somebody has to mend is said to everybody who asks, not only to who connects. */
  absence(): SpillwayError {
    const { closed, unavailable } = this.#parts.failures
    if (this.isClosed) return closed()
    const failure = this.#failure
    if (isSpillwayError(failure) && isCertificateError(failure)) return failure
    return unavailable('there is no connection to the server')
  }

  /** The connection, once there is one; null when there is none at that time (by the machine's monotonic clock), or no more. */
  async lineBefore(dueAtMs: number): Promise<Line | null> {
    if (this.#line !== null || this.#state !== 'open') return this.#line
    const { machine } = this.#parts
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel()
        this.#waiting.delete(wake)
        resolve()
      }
      const cancel = machine.schedule(Math.max(0, dueAtMs - machine.monotonic()), wake)
      this.#waiting.add(wake)
    })
    return this.#line
  }

  /** Is told of every connection from now on, and of the one there is. */
  listen(listener: LinkListener<Line>): Cancel {
    this.#listeners.add(listener)
    if (this.#line !== null) listener.begin(this.#line)
    return () => void this.#listeners.delete(listener)
  }

  /** Gives a connection up on which something is not as it should be; the next one makes sure of it. */
  drop(line: Line, why: unknown): void {
    this.#lost(line, why)
    this.#parts.cut(line)
  }

  /** Something went wrong, or is not as it should be, that nobody waits for. */
  report(error: unknown): void {
    this.#telemetry?.record({ event: 'fault', where: `broker.${this.#parts.broker}`, error })
  }

  async close(): Promise<void> {
    const line = this.#line
    this.#state = 'closed'
    this.#cancel()
    this.#end(line)
    await this.#connecting?.catch(() => {})
    if (line !== null) await this.#parts.leave(line)
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#dial()
      .catch((error: unknown) => {
        this.#failure = error
        throw error
      })
      .finally(() => {
        this.#connecting = null
      })
    return this.#connecting
  }

  async #dial(): Promise<void> {
    const { connect, cut, failures } = this.#parts
    const made: { line: Line | null; failure: Error | null } = { line: null, failure: null }
    const line = await connect((why) => {
      if (made.line === null) made.failure ??= lossOf(failures, why)
      else this.#lost(made.line, why)
    })
    const failure = this.isClosed ? failures.closed() : made.failure
    if (failure !== null) {
      cut(line)
      throw failure
    }
    made.line = line
    this.#begin(line)
  }

  #begin(line: Line): void {
    if (this.#failures > 0) this.#tell('broker reconnected')
    this.#beganAtMs = this.#parts.machine.monotonic()
    this.#line = line
    this.#failure = null
    this.#wake()
    for (const listener of this.#listeners) listener.begin(line)
  }

  #lost(line: Line, why: unknown): void {
    if (this.#line !== line) return
    this.#end(line)
    this.#again(lossOf(this.#parts.failures, why))
  }

  #end(line: Line | null): void {
    this.#line = null
    if (line !== null) for (const listener of this.#listeners) listener.end(line)
    if (this.isClosed) this.#wake()
  }

  #again(why: unknown): void {
    if (this.isClosed) return
    const { pauses, machine } = this.#parts
    if (machine.monotonic() - this.#beganAtMs >= pauses.stableMs) this.#failures = 0
    if (this.#told.isNews(why, this.#failures)) this.report(why)
    this.#beganAtMs = Number.POSITIVE_INFINITY
    this.#failures += 1
    this.#cancel = machine.schedule(this.#pauseMs(), () => {
      this.#connect().catch((error: unknown) => this.#again(error))
    })
  }

  #pauseMs(): number {
    const { machine, pauses } = this.#parts
    const { steadyShare, delayMsMax: maxMs } = pauses
    const doubling = { type: 'exponential', jitter: 'none', delayMs: RECONNECT_MS_MIN } as const
    const fullMs = backoffMs({ ...doubling, maxMs }, this.#failures, 0)
    return fullMs * (steadyShare + (1 - steadyShare) * machine.random())
  }

  #tell(what: string): void {
    this.#telemetry?.record({ event: 'lifecycle', what, details: { broker: this.#parts.broker } })
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}

function lossOf({ unavailable }: Pick<Failures, 'unavailable'>, why: unknown): Error {
  return unavailable('the connection was lost', why)
}
