// The metrics by name: what each counts, its labels and its buckets. Names and labels are a contract with dashboards and
// alert rules; base units (seconds, plain counts), no ids as labels.

import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** From half a millisecond to ten seconds: accepting, executing, store operations. */
const FAST_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** From a millisecond to an hour: waiting and completion, which include backlogs and retries. */
const SLOW_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600]
const SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000]

const COMMAND = ['queue', 'command'] as const

export type MetricFamilies = ReturnType<typeof createFamilies>

export function createFamilies(registry: Registry) {
  return {
    ...createCounters(registry),
    ...createHistograms(registry),
    ...createGauges(registry),
    ...createTransitFamilies(registry),
    ...createAgentFamilies(registry),
  }
}

function createCounters(registry: Registry) {
  return {
    received: counter(
      registry,
      'spillway_command_received_total',
      "Commands submitted, by verdict: accepted, enlisted (in a caller's transaction), duplicate or rejected.",
      [...COMMAND, 'outcome'],
    ),
    landed: counter(
      registry,
      'spillway_command_landed_total',
      'Commands that came over a broker and were stored, by what the store found: accepted, duplicate or conflict.',
      [...COMMAND, 'outcome'],
    ),
    refusedDeliveries: counter(
      registry,
      'spillway_delivery_refused_total',
      'Messages of a broker that nobody can read; the broker keeps them aside.',
      ['queue'],
    ),
    finished: counter(
      registry,
      'spillway_command_finished_total',
      'Commands that reached a terminal state, by state.',
      [...COMMAND, 'outcome'],
    ),
    attempts: counter(
      registry,
      'spillway_attempt_finished_total',
      'Executions of commands, by outcome: ok, retry, timeout, lost or fatal.',
      [...COMMAND, 'outcome'],
    ),
    leaseLost: counter(
      registry,
      'spillway_lease_lost_total',
      'Leases that expired, were settled too late, or belonged to a handler that hung.',
      [...COMMAND, 'reason'],
    ),
    deferred: counter(
      registry,
      'spillway_command_deferred_total',
      'Commands that were put back because a limit was reached, by limit: rate_limited, retry_budget or blocked.',
      [...COMMAND, 'reason'],
    ),
    admissionRefused: counter(
      registry,
      'spillway_admission_refused_total',
      'Commands refused because of what their queue holds already, by reason: depth, bytes, age or tenant.',
      ['queue', 'reason'],
    ),
    limitChanges: counter(
      registry,
      'spillway_concurrency_limit_changes_total',
      'Changes of the adaptive limit of executions at once, by reason.',
      ['queue', 'reason'],
    ),
    callbackDeliveries: counter(
      registry,
      'spillway_callback_delivery_total',
      'Attempts to tell upstream, by outcome: delivered, retry, gone, blocked or failed.',
      ['outcome'],
    ),
  }
}

function createHistograms(registry: Registry) {
  return {
    acceptDuration: histogram(
      registry,
      'spillway_accept_duration_seconds',
      'From submit to receipt, of the oldest command of each flush.',
      ['queue'],
      FAST_SECONDS,
    ),
    waitDuration: histogram(
      registry,
      'spillway_wait_duration_seconds',
      'From commit to start, of the oldest command of each handler call.',
      COMMAND,
      SLOW_SECONDS,
    ),
    processDuration: histogram(
      registry,
      'spillway_process_duration_seconds',
      'Duration of handler calls.',
      COMMAND,
      FAST_SECONDS,
    ),
    completionDuration: histogram(
      registry,
      'spillway_completion_duration_seconds',
      'From acceptance to the terminal state, of the oldest command of each settlement.',
      COMMAND,
      SLOW_SECONDS,
    ),
    chunkSize: histogram(registry, 'spillway_chunk_size', 'Commands per committed chunk.', COMMAND, SIZES),
    batchSize: histogram(registry, 'spillway_batch_size', 'Commands per handler call.', COMMAND, SIZES),
    storeOperation: histogram(
      registry,
      'spillway_store_operation_duration_seconds',
      'Duration of store operations.',
      ['operation', 'outcome'],
      FAST_SECONDS,
    ),
    callbackDuration: histogram(
      registry,
      'spillway_callback_delivery_duration_seconds',
      'Duration of attempts to tell upstream.',
      ['outcome'],
      FAST_SECONDS,
    ),
    eventLoopBlocked: histogram(
      registry,
      'spillway_event_loop_blocked_seconds',
      'How long the event loop stood still, where that endangered leases.',
      [],
      FAST_SECONDS,
    ),
    heartbeatDelay: histogram(
      registry,
      'spillway_heartbeat_delay_seconds',
      'How much later than planned a heartbeat ran: a blocked event loop or a paused process.',
      [],
      FAST_SECONDS,
    ),
  }
}

function createGauges(registry: Registry) {
  return {
    poolActive: gauge(registry, 'spillway_pool_active', 'Executions under way.', ['queue']),
    breakerState: gauge(
      registry,
      'spillway_breaker_state',
      'State of the circuit breaker as this process knows it: 0 closed, 1 half-open, 2 open.',
      COMMAND,
    ),
    concurrencyLimit: gauge(
      registry,
      'spillway_concurrency_limit',
      'Executions at once that the adaptive limit allows.',
      ['queue'],
    ),
    readyBytes: gauge(registry, 'spillway_queue_ready_bytes', 'Bytes of the chunks that are ready to run.', [
      'queue',
    ]),
    poolLimit: gauge(registry, 'spillway_pool_limit', 'Executions at once at most.', ['queue']),
    poolQueued: gauge(registry, 'spillway_pool_queued', 'Commands waiting in this process for a free slot.', [
      'queue',
    ]),
    queueDepth: gauge(registry, 'spillway_queue_depth', 'Commands that are not terminal, by state.', [
      'queue',
      'state',
    ]),
    oldestReadyAge: gauge(
      registry,
      'spillway_queue_oldest_ready_age_seconds',
      'Age of the oldest command that is ready to run; 0 when none is.',
      ['queue'],
    ),
    deadLetterDepth: gauge(
      registry,
      'spillway_dead_letter_depth',
      'Commands that are dead: attempts exhausted or a permanent fault.',
      ['queue'],
    ),
    buildInfo: gauge(registry, 'spillway_build_info', 'Always 1; the labels tell what runs.', [
      'version',
      'node',
    ]),
  }
}

/** What is on its way to a worker outside of the store. */
function createTransitFamilies(registry: Registry) {
  const spool = ['spool'] as const
  return {
    brokerMessages: gauge(
      registry,
      'spillway_broker_messages',
      "Messages on a queue's broker: waiting, delivered and not acknowledged, or refused because nobody can read them.",
      ['queue', 'state'],
    ),
    journalBytes: gauge(
      registry,
      'spillway_journal_bytes',
      "Bytes of this process's segments in the spool; a segment goes once all of it was shipped.",
      spool,
    ),
    journalBytesMax: gauge(
      registry,
      'spillway_journal_bytes_max',
      "Bytes that this process's segments may have: at that, nothing more is taken.",
      spool,
    ),
    journalDiskFree: gauge(
      registry,
      'spillway_journal_disk_free_bytes',
      'Bytes that are free on the disk of the spool.',
      spool,
    ),
    journalRefusing: gauge(
      registry,
      'spillway_journal_refusing',
      '1 while the journal of this process takes nothing, because it is full or its disk fails; else 0.',
      spool,
    ),
  }
}

function createAgentFamilies(registry: Registry) {
  const spool = ['spool'] as const
  return {
    agentFrames: counter(
      registry,
      'spillway_agent_frames_total',
      'Frames that an agent shipped, sent again after a doubt, or put aside because nobody takes them.',
      [...spool, 'outcome'],
    ),
    agentCommands: counter(
      registry,
      'spillway_agent_commands_total',
      'The commands in those frames, by outcome: shipped, resent or refused.',
      [...spool, 'outcome'],
    ),
    agentBacklogBytes: gauge(
      registry,
      'spillway_agent_backlog_bytes',
      'Bytes of the journal that are still to be shipped.',
      spool,
    ),
    agentOldestAge: gauge(
      registry,
      'spillway_agent_oldest_age_seconds',
      'Age of the oldest frame that is still to be shipped; 0 when there is none.',
      spool,
    ),
    agentWriters: gauge(
      registry,
      'spillway_agent_writers',
      'Writers that have a folder in the spool.',
      spool,
    ),
    agentQuarantinedBytes: gauge(
      registry,
      'spillway_agent_quarantined_bytes',
      'Bytes of segments that are kept because something in them could not be read.',
      spool,
    ),
    agentRefusedFrames: gauge(
      registry,
      'spillway_agent_refused_frames',
      'Frames that are kept aside because no destination takes them.',
      spool,
    ),
    agentHolds: gauge(
      registry,
      'spillway_agent_holds_spool',
      '1 while this agent ships the spool, 0 while it waits for another one.',
      spool,
    ),
    agentLastSeen: gauge(
      registry,
      'spillway_agent_last_seen_timestamp_seconds',
      'When the agent measured the spool last, in seconds since the epoch.',
      spool,
    ),
  }
}

function counter<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly Label[],
) {
  return new Counter<Label>({ name, help, labelNames: [...labels], registers: [registry] })
}

function gauge<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly Label[],
) {
  return new Gauge<Label>({ name, help, labelNames: [...labels], registers: [registry] })
}

function histogram<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly Label[],
  buckets: readonly number[],
) {
  return new Histogram<Label>({
    name,
    help,
    labelNames: [...labels],
    buckets: [...buckets],
    registers: [registry],
  })
}
