// Abnormal events as JSON lines (pino). What goes well is counted in metrics and not logged, so a busy healthy process is
// quiet and every line is worth reading. Payloads never reach telemetry events, hence never a line.

import { type Level, type Logger, pino } from 'pino'
import { ERROR_MESSAGE_MAX } from '../domain/index.js'
import type { Telemetry, TelemetryEvent } from '../ports/index.js'
import { type AgentEvent, isAgentEvent } from './agent-events.js'
import { writeAgentLine } from './agent-lines.js'
import { type ErrorFields, errorFields, safeText } from './error-fields.js'

/** A heartbeat this late means that the process was blocked or paused: worth a line. */
const HEARTBEAT_DELAY_LOGGED_MS = 1_000

const STANDARD_ERROR = 2

export type LogLevel = Level | 'silent'

export interface LogsOptions {
  /** Lines below it are not written. Default 'info'. */
  readonly level?: LogLevel
  /** Takes one line at a time. Default: standard error, synchronously, so that a crash loses no line. */
  readonly destination?: { write(line: string): void }
  /** Stands in every line as `worker_id`. */
  readonly workerId?: string
}

export function createLogs(options: LogsOptions = {}): Telemetry {
  const logger = pino(
    {
      level: options.level ?? 'info',
      // Pino would serialize again what errorFields made, and add what that left out.
      serializers: { err: (fields: ErrorFields) => fields },
      base: options.workerId === undefined ? {} : { worker_id: options.workerId },
    },
    options.destination ?? pino.destination({ fd: STANDARD_ERROR, sync: true }),
  )
  return { record: (event) => (isAgentEvent(event) ? writeAgentLine(logger, event) : write(logger, event)) }
}

function write(logger: Logger, event: Exclude<TelemetryEvent, AgentEvent>): void {
  switch (event.event) {
    case 'command.exception':
      logger[event.state === 'dead' ? 'error' : 'warn'](
        {
          event: event.event,
          command_id: event.commandId,
          command_type: event.type,
          queue: event.queue,
          attempt: event.attempt,
          outcome: event.state,
          error_type: event.errorCode,
        },
        safeText(event.message, ERROR_MESSAGE_MAX),
      )
      break
    case 'lease.lost':
      writeLeaseLost(logger, event)
      break
    case 'heartbeat.delay':
      if (event.delayMs < HEARTBEAT_DELAY_LOGGED_MS) break
      logger.warn(
        { event: event.event, duration_s: event.delayMs / 1_000 },
        'a heartbeat ran late: the process was blocked or paused',
      )
      break
    case 'queue.halted':
      logger.error(
        {
          event: event.event,
          queue: event.queue,
          command_type: event.type,
          error_type: event.errorCode,
          paused: event.paused,
        },
        safeText(haltedText(event), ERROR_MESSAGE_MAX),
      )
      break
    case 'fault': {
      const err = errorFields(event.error)
      logger.error(
        { event: event.event, where: event.where, error_type: err.code ?? err.type, err },
        `${event.where}: ${err.message}`,
      )
      break
    }
    case 'breaker.changed':
      logger[event.state === 'closed' ? 'info' : 'warn'](
        { event: event.event, queue: event.queue, command_type: event.type, outcome: event.state },
        BREAKER[event.state],
      )
      break
    case 'callback.delivery':
      writeDelivery(logger, event)
      break
    case 'delivery.refused':
      writeRefused(logger, event)
      break
    case 'event_loop.blocked':
      logger.error(
        { event: event.event, duration_s: event.durationMs / 1_000, command_types: event.types },
        'the event loop stood still: a handler must not compute for long in this thread; use a pool with threads',
      )
      break
    case 'lifecycle':
      logger.info({ ...safeDetails(event.details ?? {}), event: event.event }, event.what)
      break
    // Measures: series, not lines.
    case 'command.received':
    case 'command.landed':
    case 'command.finished':
    case 'attempt.finished':
    case 'accept.duration':
    case 'chunk.committed':
    case 'batch.executed':
    case 'pool.state':
    case 'store.operation':
    case 'limit.changed':
    case 'command.deferred':
    case 'admission.refused':
      break
  }
}

/** What is tried again, or arrived, is in the ledger and in the metrics. */
function writeDelivery(
  logger: Logger,
  { event, outcome, status, durationMs }: Extract<TelemetryEvent, { event: 'callback.delivery' }>,
): void {
  if (outcome === 'delivered' || outcome === 'retry') return
  const answer = status === null ? {} : { status }
  logger.warn({ event, outcome, duration_s: durationMs / 1_000, ...answer }, CALLBACK[outcome])
}

function writeLeaseLost(
  logger: Logger,
  { event, chunkId, type, queue, reason }: Extract<TelemetryEvent, { event: 'lease.lost' }>,
): void {
  const where = { chunk_id: chunkId, command_type: type, queue }
  logger.warn({ event, ...where, outcome: reason }, LEASE_LOST[reason])
}

function writeRefused(
  logger: Logger,
  { event, queue, id, reason }: Extract<TelemetryEvent, { event: 'delivery.refused' }>,
): void {
  const message = id === null ? {} : { message_id: safeText(id, ERROR_MESSAGE_MAX) }
  const text = `a message was refused, and the broker keeps it: ${reason}`
  logger.error({ event, queue, ...message }, safeText(text, ERROR_MESSAGE_MAX))
}

function haltedText({ queue, reason, paused }: Extract<TelemetryEvent, { event: 'queue.halted' }>): string {
  if (!paused) return `${reason}. Queue ${queue} could not be paused yet; its commands wait`
  return `${reason}. Queue ${queue} is paused and its commands wait. When that is put right: spillway queue resume ${queue}`
}

function safeDetails(
  details: Readonly<Record<string, string | number | boolean>>,
): Record<string, string | number | boolean> {
  const safe: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(details)) {
    safe[name] = typeof value === 'string' ? safeText(value, ERROR_MESSAGE_MAX) : value
  }
  return safe
}

const LEASE_LOST = {
  expired: 'a lease ran out and its chunk went to another worker',
  stale: 'a settlement came after the lease was lost and changed nothing',
  hung: 'a handler did not return after its timeout; its slot was freed',
} as const

const BREAKER = {
  open: 'a command type keeps failing: it is left alone for a while',
  'half-open': 'a command type that failed is tried again, a few at a time',
  closed: 'a command type that failed succeeds again',
} as const

const CALLBACK = {
  gone: 'the receiver of callbacks answered 410 and gets no more until its endpoint is enabled',
  blocked:
    'a callback url may not be called: see callbacks.allowHttp, allowPorts, allowHosts and allowAddresses',
  failed: 'a callback was not delivered in any of its attempts',
} as const
