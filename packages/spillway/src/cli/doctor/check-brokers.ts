// The brokers of the configuration: whether they answer, whether their queues are as they should be, and what the drivers warn of.

import { brokerOf, type ResolvedQueue } from '../../config/index.js'
import { ERROR_MESSAGE_MAX } from '../../domain/index.js'
import { isCertificateError, isSpillwayError } from '../../errors/index.js'
import {
  type Broker,
  type BrokerQueue,
  type BrokerQueueState,
  type Finding,
  failure,
  fine,
  type Telemetry,
  warning,
} from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import { safeText } from '../../telemetry/error-fields.js'

/** Of one broker; the rest of them is alike. */
const WARNINGS_MAX = 10
/** For everything that one broker is asked; drivers give up much earlier. */
const PATIENCE_MS = 30_000

/** Brokers one after the other. Opening one makes the queues that it does not have yet, as every process does that uses it. */
export async function checkBrokers(
  queues: Iterable<ResolvedQueue>,
  { patienceMs = PATIENCE_MS } = {},
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [broker, itsQueues] of brokersOf(queues))
    findings.push(...(await checkBroker(broker, itsQueues, patienceMs)))
  return findings
}

function brokersOf(queues: Iterable<ResolvedQueue>): ReadonlyMap<Broker, readonly BrokerQueue[]> {
  const byBroker = new Map<Broker, BrokerQueue[]>()
  for (const { name, partitions, channel } of queues) {
    const broker = brokerOf(channel)
    if (broker !== null) byBroker.set(broker, [...(byBroker.get(broker) ?? []), { name, partitions }])
  }
  return byBroker
}

async function checkBroker(
  broker: Broker,
  queues: readonly BrokerQueue[],
  patienceMs: number,
): Promise<Finding[]> {
  const { name } = broker
  const warnings = new Set<string>()
  const telemetry: Telemetry = {
    record(event) {
      if (event.event === 'fault' && warnings.size < WARNINGS_MAX) warnings.add(messageOf(event.error))
    },
  }
  try {
    const states = await within(patienceMs, async () => {
      await broker.open(queues, telemetry)
      await broker.probe()
      return broker.state()
    })
    return [
      fine(
        name,
        `answers; its queues are as they should be: ${queues.map((queue) => queue.name).join(', ')}`,
      ),
      ...Array.from(warnings, (text) =>
        warning(name, text, 'Change it on the broker, unless that is meant.'),
      ),
      ...states.flatMap((state) => refusedOf(name, state)),
    ]
  } catch (error) {
    return [failure(name, messageOf(error), adviceFor(error))]
  } finally {
    await within(patienceMs, () => broker.close()).catch(() => {})
  }
}

async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const over = new AbortController()
  const patience = systemClock.sleep(ms, over.signal).then((): never => {
    throw new Error(`no answer for ${ms / 1_000} s`)
  })
  try {
    return await Promise.race([work(), patience])
  } finally {
    patience.catch(() => {})
    over.abort()
  }
}

function refusedOf(name: string, { queue, refused }: BrokerQueueState): readonly Finding[] {
  if (refused === null || refused === 0) return []
  const detail = `${refused} messages of queue ${queue} that nobody can read`
  return [warning(name, detail, 'Look at them where the broker keeps them; each has its reason with it.')]
}

function adviceFor(error: unknown): string {
  if (isSpillwayError(error, 'broker_incompatible'))
    return 'Correct that on the broker or in the configuration: no process starts on it.'
  const what = isCertificateError(error) ? 'Correct that' : 'Start it, or correct its url'
  return `${what}: until then commands for its queues are refused.`
}

/** A client's error may name a connection string. */
function messageOf(error: unknown): string {
  return safeText(error instanceof Error ? error.message : String(error), ERROR_MESSAGE_MAX)
}
