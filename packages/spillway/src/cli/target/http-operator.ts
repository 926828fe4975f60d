// The operator's part of a Spillway behind HTTP.

import type { OperationRequest, OperationStarted } from '../../app/operator-api.js'
import type { CompletionOutcome } from '../../domain/index.js'
import type { SpillwayError } from '../../errors/index.js'
import type { AuditRequest, ControlVerdict, GroupRequest, ListRequest } from '../../ports/index.js'
import { isCodedError } from '../failure.js'
import { type AnsweredPage, type Linked, queryText, unlinked } from './answers.js'
import type { HttpClient } from './http-client.js'
import type { Operator, RecordPage, RetryAction } from './operator.js'
import type {
  AuditRow,
  CallbackRecord,
  ErrorGroupRecord,
  GoneEndpointRecord,
  OperationRecord,
} from './operator-records.js'
import type { CommandRecord } from './records.js'

/** Commands that are dealt with at once. */
const VERBS_IN_FLIGHT_MAX = 8

export class HttpOperator implements Operator {
  readonly #client: HttpClient

  constructor(client: HttpClient) {
    this.#client = client
  }

  cancel(ids: readonly string[], reason: string | undefined): Promise<readonly ControlVerdict[]> {
    return this.#verb(ids, (id) => `/v1/commands/${id}/cancel`, { reason })
  }

  retry(ids: readonly string[], { reason, payload }: RetryAction): Promise<readonly ControlVerdict[]> {
    return this.#verb(ids, (id) => `/v1/commands/${id}/retry`, { reason, payload })
  }

  discard(ids: readonly string[], reason: string | undefined): Promise<readonly ControlVerdict[]> {
    return this.#verb(ids, (id) => `/v1/dead-letters/${id}/discard`, { reason })
  }

  async complete(token: string, outcome: CompletionOutcome): Promise<CommandRecord> {
    return unlinked((await this.#post('/v1/completions', { token, outcome })) as Linked<CommandRecord>)
  }

  async errorGroups({
    type,
    queue,
    limit,
  }: Omit<GroupRequest, 'state'>): Promise<readonly ErrorGroupRecord[]> {
    const path = `/v1/dead-letters/groups${queryText({ type, queue, limit })}`
    return (await this.#page<ErrorGroupRecord>(path)).items
  }

  async startOperation(request: Omit<OperationRequest, 'actor'>): Promise<OperationStarted> {
    const started = (await this.#post('/v1/operations', request)) as Partial<OperationStarted>
    return { id: started.id ?? null, matches: started.matches ?? null, more: started.more ?? false }
  }

  async operation(id: string): Promise<OperationRecord> {
    const path = `/v1/operations/${encodeURIComponent(id)}`
    return unlinked((await this.#client.request({ path })) as Linked<OperationRecord>)
  }

  async callbacks({
    state,
    after: cursor,
    limit,
  }: Pick<ListRequest, 'state' | 'after' | 'limit'>): Promise<RecordPage<CallbackRecord>> {
    const { items, next } = await this.#page<CallbackRecord>(
      `/v1/callbacks${queryText({ state, cursor, limit })}`,
    )
    return { items: items.map((item) => ({ ...item, delivery: unlinked(item.delivery) })), next }
  }

  async redeliver(id: string, reason: string | undefined): Promise<string> {
    const answer = await this.#post(`/v1/callbacks/${encodeURIComponent(id)}/redeliver`, { reason })
    return (answer as { readonly id: string }).id
  }

  async goneEndpoints(): Promise<readonly GoneEndpointRecord[]> {
    return (await this.#page<GoneEndpointRecord>('/v1/callbacks/endpoints')).items
  }

  async enableEndpoint(url: string, reason: string | undefined): Promise<void> {
    await this.#post('/v1/callbacks/endpoints/enable', { url, reason })
  }

  audit({ after: cursor, limit }: AuditRequest): Promise<RecordPage<AuditRow>> {
    return this.#page(`/v1/audit${queryText({ cursor, limit })}`)
  }

  async #page<Item>(path: string): Promise<RecordPage<Item>> {
    const { items, nextCursor } = (await this.#client.request({ path })) as AnsweredPage<Item>
    return { items: items.map((item) => unlinked(item)), next: nextCursor }
  }

  #post(path: string, body: object): Promise<unknown> {
    return this.#client.request({ method: 'POST', path, body: JSON.stringify(body) })
  }

  /** One request per command: each is judged alone. */
  async #verb(
    ids: readonly string[],
    pathOf: (id: string) => string,
    body: object,
  ): Promise<readonly ControlVerdict[]> {
    const verdicts: ControlVerdict[] = []
    for (let start = 0; start < ids.length; start += VERBS_IN_FLIGHT_MAX) {
      const slice = ids.slice(start, start + VERBS_IN_FLIGHT_MAX)
      const paths = slice.map((id) => pathOf(encodeURIComponent(id)))
      verdicts.push(...(await Promise.all(paths.map((path) => this.#verdict(path, body)))))
    }
    return verdicts
  }

  async #verdict(path: string, body: object): Promise<ControlVerdict> {
    try {
      await this.#post(path, body)
      return 'ok'
    } catch (error) {
      if (isCodedError(error)) {
        if (isGone(error)) return 'not_found'
        if (error.code === 'state_conflict') return 'conflict'
      }
      throw error
    }
  }
}

function isGone({ code }: SpillwayError): boolean {
  return code === 'not_found' || code === 'expired'
}
