// Half-sent bodies. Node bounds the time of a whole request, which would also cut a stream that runs for hours, so bodies are
// watched here: one slow timer for all of them, and a map operation per request.

import type { FastifyRequest } from 'fastify'
import type { Clock } from '../ports/index.js'
import { RequestError } from './problem.js'

/** Checks within one deadline: a body is late after 1 to 1.25 times the time it had. */
const CHECKS_PER_DEADLINE = 4

interface Arrival {
  readonly onLate: () => void
  checks: number
}

export class BodyDeadlines {
  readonly timeoutMs: number
  readonly #clock: Clock
  readonly #arriving = new Map<FastifyRequest, Arrival>()
  #ticking = false

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.timeoutMs = timeoutMs
  }

  /** From now on (more of) the body is awaited. */
  expect(request: FastifyRequest, onLate: () => void): void {
    this.#arriving.set(request, { onLate, checks: 0 })
    if (this.#ticking) return
    this.#ticking = true
    this.#scheduleCheck()
  }

  /** Nothing more is awaited. */
  arrived(request: FastifyRequest): void {
    this.#arriving.delete(request)
  }

  #scheduleCheck(): void {
    this.#clock.schedule(this.timeoutMs / CHECKS_PER_DEADLINE, () => this.#check())
  }

  #check(): void {
    for (const [request, arrival] of this.#arriving) {
      arrival.checks += 1
      if (arrival.checks <= CHECKS_PER_DEADLINE) continue
      this.#arriving.delete(request)
      arrival.onLate()
    }
    this.#ticking = this.#arriving.size > 0
    if (this.#ticking) this.#scheduleCheck()
  }
}

export function bodyLate(timeoutMs: number): RequestError {
  return new RequestError('request_timeout', `The body stood still for ${timeoutMs} ms.`)
}
