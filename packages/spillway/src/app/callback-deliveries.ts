// The delivery ledger as operators see it: callbacks are commands, so their attempts, answers and states are there already. What is added
// is what a command does not know: whom it is about, and whether its receiver is gone.

import type { CallbackPayload } from '../callbacks/index.js'
import { type ChunkDraft, commandId, encodeBody, parseCommandId, transition } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { CommandView, NewChunkId, Store } from '../ports/index.js'
import { auditNote } from './audit-note.js'
import { CALLBACK_QUEUE, CALLBACK_TYPE } from './built-ins.js'
import { isCallbackPayload } from './callback-command.js'
import type { GoneEndpoints } from './gone-endpoints.js'
import type { ActionOptions, CallbackPage, Callbacks, CallbackView, GoneEndpoint } from './operator-api.js'
import { checkCommandPage } from './page-request.js'

/** Callbacks that are read with their bodies at once. */
const BODIES_READ_MAX = 50

export interface CallbackDeliveriesOptions {
  readonly store: Pick<Store, 'append' | 'control' | 'reader'>
  readonly endpoints: GoneEndpoints
  readonly newChunkId: NewChunkId
}

export class CallbackDeliveries implements Callbacks {
  readonly #options: CallbackDeliveriesOptions

  constructor(options: CallbackDeliveriesOptions) {
    this.#options = options
  }

  async list(request: Parameters<Callbacks['list']>[0]): Promise<CallbackPage> {
    checkCommandPage(request)
    const { reader } = this.#options.store
    const { items, next } = await reader.list({ ...request, type: CALLBACK_TYPE })
    const views: CallbackView[] = []
    for (let from = 0; from < items.length; from += BODIES_READ_MAX) {
      const ids = items.slice(from, from + BODIES_READ_MAX).map(({ id }) => id)
      for (const found of await reader.get(ids, { payload: true })) {
        const payload = found === null ? null : payloadOf(found)
        if (found !== null && payload !== null) views.push(viewOf(found, payload))
      }
    }
    return { items: views, next }
  }

  async redeliver(id: string, options?: ActionOptions): Promise<string> {
    const { store, endpoints, newChunkId } = this.#options
    const audit = auditNote('callback.redeliver', id, options)
    const { view, payload } = await this.#find(id)
    if (await endpoints.isGone(payload.url))
      throw new SpillwayError(
        'endpoint_gone',
        'The endpoint of this callback answered 410 and is left alone: enable it first.',
        { details: { id } },
      )
    if (transition(view.state, 'redrive') !== null) {
      const [verdict] = await store.control.redrive([id], { audit })
      if (verdict !== 'ok') throw underWay(id)
      return id
    }
    if (view.state !== 'succeeded') throw underWay(id)
    const draft = draftOf(newChunkId(), payload)
    await store.control.audit(audit, 1)
    await store.append([draft])
    return commandId(draft.id, 0)
  }

  goneEndpoints(): Promise<readonly GoneEndpoint[]> {
    return this.#options.endpoints.list()
  }

  async enableEndpoint(url: string, options?: ActionOptions): Promise<'ok' | 'not_found'> {
    const { store, endpoints } = this.#options
    const called = callableForm(url)
    const audit = auditNote('callback.enable', withoutQuery(called), options)
    const verdict = await endpoints.enable(called)
    if (verdict === 'ok') await store.control.audit(audit, null)
    return verdict
  }

  async #find(id: string): Promise<{ view: CommandView; payload: CallbackPayload }> {
    const { reader } = this.#options.store
    const [view = null] = parseCommandId(id) === null ? [] : await reader.get([id], { payload: true })
    const payload = view === null || view.type !== CALLBACK_TYPE ? null : payloadOf(view)
    if (view !== null && payload !== null) return { view, payload }
    throw new SpillwayError('not_found', 'There is no callback with that id.', {
      details: { id: String(id).slice(0, 100) },
    })
  }
}

function payloadOf({ payload: json }: CommandView): CallbackPayload | null {
  const payload: unknown = JSON.parse(json ?? 'null')
  return isCallbackPayload(payload) ? payload : null
}

function viewOf(
  { payload: _, ...delivery }: CommandView,
  { url, id: webhookId, body }: CallbackPayload,
): CallbackView {
  const { type: event, data } = JSON.parse(body) as { type: string; data: { id: string } }
  return { id: delivery.id, webhookId, commandId: data.id, event, url, delivery }
}

function draftOf(id: string, payload: CallbackPayload): ChunkDraft {
  return {
    ...{ id, queue: CALLBACK_QUEUE, type: CALLBACK_TYPE, priority: 0, partition: null, codec: 'json' },
    ...{ body: encodeBody([JSON.stringify(payload)]), size: 1, keys: null, parked: null },
  }
}

/** As it was called, and so as it is known to be gone. */
function callableForm(url: unknown): string {
  if (typeof url === 'string' && URL.canParse(url)) return new URL(url).href
  throw new SpillwayError('invalid_argument', 'url: give the whole url of the endpoint.')
}

/** What follows a path may be secret. */
function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

function underWay(id: string): SpillwayError {
  return new SpillwayError('state_conflict', `Callback ${id} is still on its way.`, { details: { id } })
}
