// Messages that nobody can read are kept in a stream of their own, as they came and with the reason, for an operator to look at.

import type { Msg } from '@nats-io/transport-node'
import { refusedHeaders } from './headers.js'
import type { Line } from './link.js'
import type { Names } from './names.js'

/** More would not help, and the message has to fit. */
const REASON_LENGTH_MAX = 500

export async function keepRefused(
  line: Line,
  { subject, timeoutMs }: { readonly subject: string; readonly timeoutMs: number },
  message: Msg,
  reason: string,
): Promise<void> {
  const put = async (said: string | null): Promise<void> => {
    const headers = refusedHeaders(message, said)
    await line.client.publish(subject, message.data, { headers, timeout: timeoutMs })
  }
  // A message as large as the server takes has no room for a reason.
  await put(reason.slice(0, REASON_LENGTH_MAX)).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'InvalidArgumentError') return put(null)
    throw error
  })
}

/** How many there are, of all queues. */
export async function countRefused(
  line: Line,
  names: Names,
  queues: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { state } = await line.manager.streams.info(names.refused, { subjects_filter: `${names.refused}.>` })
  return new Map(queues.map((queue) => [queue, state.subjects?.[names.refusedSubject(queue)] ?? 0]))
}
