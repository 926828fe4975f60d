// A Spillway behind HTTP: what the commands ask becomes requests, and the answers become records again.

import type { Health, SubmitOptions } from '../../app/api.js'
import { isTerminal } from '../../domain/index.js'
import type { ListRequest } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import { type AnsweredPage, type Linked, queryText, unlinked } from './answers.js'
import type { HttpClient } from './http-client.js'
import { HttpOperator } from './http-operator.js'
import type { RecordPage } from './operator.js'
import { problemError } from './problem-error.js'
import type {
  CommandRecord,
  NodeRecord,
  QueueRecord,
  QueueSettingsRecord,
  ReceiptRecord,
  SubmitVerdictRecord,
} from './records.js'
import type { SpoolRecord } from './spool-records.js'
import type { GetOptions, Target } from './target.js'

/** Seconds one request waits for an outcome; longer waits take several. */
const WAIT_SECONDS_MAX = 20
/** Between two of them, should a server not wait at all. */
const WAIT_PAUSE_MS = 50

interface BulkResult {
  readonly items: readonly {
    readonly index: number
    readonly status: 'accepted' | 'duplicate' | 'rejected'
    readonly id?: string
    readonly error?: { readonly status?: number }
  }[]
}

export class HttpTarget implements Target {
  readonly name: string
  readonly operator: HttpOperator
  readonly #client: HttpClient
  readonly #signal: AbortSignal

  constructor(name: string, client: HttpClient, signal: AbortSignal) {
    this.name = name
    this.operator = new HttpOperator(client)
    this.#client = client
    this.#signal = signal
  }

  async submit(type: string, payload: unknown, options: SubmitOptions): Promise<ReceiptRecord> {
    const { priority, delay, runAt } = options
    const query = queryText({ priority, delay, runAt: runAt === undefined ? undefined : Number(runAt) })
    const receipt = await this.#client.request({
      method: 'POST',
      path: `/v1/commands/${encodeURIComponent(type)}${query}`,
      ...(options.key === undefined ? {} : { headers: { 'idempotency-key': quoted(options.key) } }),
      body: JSON.stringify(payload),
    })
    return unlinked(receipt as Linked<ReceiptRecord>)
  }

  async submitMany(type: string, payloads: readonly unknown[]): Promise<readonly SubmitVerdictRecord[]> {
    const answer = await this.#client.request({
      method: 'POST',
      path: `/v1/commands/${encodeURIComponent(type)}:bulk`,
      body: JSON.stringify(payloads),
    })
    return (answer as BulkResult).items.map(({ status, id, error }) =>
      status === 'rejected' || id === undefined
        ? { status: 'rejected', error: problemError(error?.status ?? 500, error, this.name) }
        : { status, id },
    )
  }

  async get(id: string, { payload = false, waitMs = 0 }: GetOptions = {}): Promise<CommandRecord> {
    const until = systemClock.monotonic() + waitMs
    for (;;) {
      const leftMs = Math.max(0, until - systemClock.monotonic())
      const seconds = Math.min(Math.ceil(leftMs / 1_000), WAIT_SECONDS_MAX)
      const record = await this.#read(id, payload, seconds)
      const isOver = this.#signal.aborted || systemClock.monotonic() >= until
      if (isOver || isTerminal(record.state)) return record
      await systemClock.sleep(WAIT_PAUSE_MS, this.#signal)
    }
  }

  async #read(id: string, payload: boolean, seconds: number): Promise<CommandRecord> {
    const query = queryText({
      payload: payload ? 'true' : undefined,
      wait: seconds > 0 ? seconds : undefined,
    })
    const path = `/v1/commands/${encodeURIComponent(id)}${query}`
    return unlinked((await this.#client.request({ path, waitMs: seconds * 1_000 })) as Linked<CommandRecord>)
  }

  async list({ after: cursor, ...request }: ListRequest): Promise<RecordPage<CommandRecord>> {
    const path = `/v1/commands${queryText({ ...request, cursor })}`
    const { items, nextCursor } = (await this.#client.request({ path })) as AnsweredPage<CommandRecord>
    return { items: items.map((item) => unlinked(item)), next: nextCursor }
  }

  async queues(): Promise<readonly QueueRecord[]> {
    const { items } = (await this.#client.request({ path: '/v1/queues' })) as { items: QueueRecord[] }
    return items
  }

  pause(queue: string, reason: string | undefined): Promise<QueueSettingsRecord> {
    return this.#configure(queue, 'pause', reason === undefined ? undefined : { reason })
  }

  resume(queue: string): Promise<QueueSettingsRecord> {
    return this.#configure(queue, 'resume')
  }

  limit(queue: string, leasesMax: number | null): Promise<QueueSettingsRecord> {
    return this.#configure(queue, 'limit', { leasesMax })
  }

  async nodes(): Promise<readonly NodeRecord[]> {
    const { items } = (await this.#client.request({ path: '/v1/nodes' })) as { items: NodeRecord[] }
    return items
  }

  async spools(): Promise<readonly SpoolRecord[]> {
    return []
  }

  async health(): Promise<Health> {
    const answer = await this.#client.request({ path: '/readyz?verbose=true', accept: [503] })
    const { status, checks } = answer as {
      status: string
      checks?: { name: string; ok: boolean; detail?: string }[]
    }
    return {
      ready: status === 'ready',
      checks: (checks ?? []).map(({ name, ok, detail = '' }) => ({ name, ok, detail })),
    }
  }

  async close(): Promise<void> {}

  async #configure(
    queue: string,
    verb: 'pause' | 'resume' | 'limit',
    body?: object,
  ): Promise<QueueSettingsRecord> {
    const path = `/v1/queues/${encodeURIComponent(queue)}/${verb}`
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    return (await this.#client.request({ method: 'POST', path, ...sent })) as QueueSettingsRecord
  }
}

/** A string of RFC 8941, so that a key may begin with a quote itself. */
function quoted(key: string): string {
  return `"${key.replaceAll(/[\\"]/g, '\\$&')}"`
}
