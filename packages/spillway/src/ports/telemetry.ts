// One sink for everything worth counting, timing or logging. Intake and worker record what happens to commands; the store's
// timings are recorded by a wrapper around the port (telemetry/instrument-store.ts), never inside a driver. No payloads, no ids as labels.

export type TelemetryEvent =
  /** Verdicts of submitted commands, `count` at a time. `enlisted`: written in a caller's transaction, which may yet roll back. */
  | {
      readonly event: 'command.received'
      readonly queue: string
      readonly type: string
      readonly outcome: 'accepted' | 'enlisted' | 'duplicate' | 'rejected'
      readonly count: number
    }
  /** From submit to receipt of one flush (its oldest command), in ms. */
  | { readonly event: 'accept.duration'; readonly queue: string; readonly durationMs: number }
  | {
      readonly event: 'chunk.committed'
      readonly queue: string
      readonly type: string
      readonly commands: number
      readonly bytes: number
    }
  /** Commands that came over a broker and are in the store now, by what it found. A redelivery is told again. */
  | {
      readonly event: 'command.landed'
      readonly queue: string
      readonly type: string
      readonly outcome: 'accepted' | 'duplicate' | 'conflict'
      readonly count: number
    }
  /** A message that nobody can read, kept where the broker keeps refused ones: logged as a line. */
  | {
      readonly event: 'delivery.refused'
      readonly queue: string
      readonly id: string | null
      readonly reason: string
    }
  /** One handler call ended. `waitMs` = from commit to start of the oldest chunk in it. */
  | {
      readonly event: 'batch.executed'
      readonly queue: string
      readonly type: string
      readonly commands: number
      readonly durationMs: number
      readonly waitMs: number
    }
  | {
      readonly event: 'attempt.finished'
      readonly queue: string
      readonly type: string
      readonly outcome: 'ok' | 'retry' | 'timeout' | 'lost' | 'fatal'
      readonly count: number
    }
  | {
      readonly event: 'command.finished'
      readonly queue: string
      readonly type: string
      readonly outcome: 'succeeded' | 'failed' | 'dead' | 'cancelled' | 'compensated'
      readonly count: number
      readonly completionMs: number | null
    }
  /** One command that did not simply succeed: logged as a line. */
  | {
      readonly event: 'command.exception'
      readonly queue: string
      readonly type: string
      readonly commandId: string
      readonly attempt: number
      readonly state: string
      readonly errorCode: string
      readonly message: string
    }
  /** A lease was taken over, or a settle came too late. */
  | {
      readonly event: 'lease.lost'
      readonly queue: string
      readonly type: string
      readonly chunkId: string
      readonly reason: 'stale' | 'expired' | 'hung'
    }
  | {
      readonly event: 'pool.state'
      readonly queue: string
      readonly active: number
      readonly limit: number
      readonly queued: number
    }
  | {
      readonly event: 'store.operation'
      readonly operation: string
      readonly outcome: 'ok' | 'error'
      readonly durationMs: number
    }
  | { readonly event: 'heartbeat.delay'; readonly delayMs: number }
  /** A worker paused a queue, because a handler's database lacks what it needs. `paused` false: that could not be written yet. */
  | {
      readonly event: 'queue.halted'
      readonly queue: string
      readonly type: string
      readonly errorCode: string
      readonly reason: string
      readonly paused: boolean
    }
  /** A circuit breaker changed: a type that keeps failing is left alone for a while. */
  | {
      readonly event: 'breaker.changed'
      readonly queue: string
      readonly type: string
      readonly state: 'closed' | 'open' | 'half-open'
    }
  /** Handler calls at once that the adaptive limit allows, and what it saw. */
  | {
      readonly event: 'limit.changed'
      readonly queue: string
      readonly limit: number
      readonly reason: 'latency' | 'errors' | 'timeout' | 'ceiling' | 'recovered' | 'pressure'
    }
  /** Commands that were put back because a limit was reached. */
  | {
      readonly event: 'command.deferred'
      readonly queue: string
      readonly type: string
      readonly reason: 'rate_limited' | 'retry_budget' | 'blocked'
      readonly count: number
    }
  /** A submit was refused by admission control. */
  | {
      readonly event: 'admission.refused'
      readonly queue: string
      readonly reason: 'depth' | 'bytes' | 'age' | 'tenant'
      readonly count: number
    }
  /** One attempt to tell upstream. `status` null when there was no answer. */
  | {
      readonly event: 'callback.delivery'
      readonly outcome: 'delivered' | 'retry' | 'gone' | 'blocked' | 'failed'
      readonly status: number | null
      readonly durationMs: number
    }
  /** The event loop stood still for so long; `types` are the commands whose handlers ran then. */
  | { readonly event: 'event_loop.blocked'; readonly durationMs: number; readonly types: readonly string[] }
  /** What became of frames that an agent took from a spool; `resent`: there was a doubt, and they go again. */
  | {
      readonly event: 'agent.frames'
      readonly spool: string
      readonly outcome: 'shipped' | 'resent' | 'refused'
      readonly frames: number
      readonly commands: number
    }
  /** What a spool holds, measured again and again by the agent that ships it, or waits for it. */
  | {
      readonly event: 'agent.measured'
      readonly spool: string
      /** The agent is the one that ships it. */
      readonly isHeld: boolean
      readonly writers: number
      readonly backlogBytes: number
      readonly oldestAgeMs: number
      readonly quarantinedBytes: number
      readonly refusedFrames: number
    }
  /** A frame that no destination will ever take, and where it is kept: logged as a line. */
  | {
      readonly event: 'agent.refused'
      readonly spool: string
      readonly commands: number
      readonly reason: string
      readonly path: string
    }
  /** A part of a journal that could not be read; what follows it is shipped: logged as a line. */
  | {
      readonly event: 'agent.damaged'
      readonly spool: string
      readonly kind: 'corrupt' | 'missing' | 'torn' | 'checkpoint'
      readonly writer: string
      readonly segment: number
      readonly bytes: number
      readonly commands: number | null
    }
  /** Something abnormal outside any command: logged as a line. */
  | { readonly event: 'fault'; readonly where: string; readonly error: unknown }
  | {
      readonly event: 'lifecycle'
      readonly what: string
      readonly details?: Readonly<Record<string, string | number | boolean>>
    }

export interface Telemetry {
  record(event: TelemetryEvent): void
}

export const SILENT: Telemetry = { record: () => {} }

/** Sends every event to several sinks. One that throws loses the event and disturbs neither the others nor what is measured. */
export function tee(...sinks: readonly Telemetry[]): Telemetry {
  return {
    record(event) {
      for (const sink of sinks) recordSafely(sink, event)
    },
  }
}

function recordSafely(sink: Telemetry, event: TelemetryEvent): void {
  try {
    sink.record(event)
  } catch {
    // There is nobody to tell: the sinks are who would be told.
  }
}
