// The ledger of what upstream was told: every callback with its attempts and the answers to them, sent again by hand, and the
// endpoints that asked to be left alone.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { SpillwayError } from '../errors/index.js'
import { ACTOR_HEADER, actionOf } from './actor.js'
import type { HttpContext } from './context.js'
import { JSON_MEDIA_TYPE } from './media-type.js'
import { CallbackQuery, pageRequest, readQuery } from './query.js'
import type { RouteSpec } from './route.js'
import { ReasonBody, readAction, readBody, reason } from './verb-body.js'
import { acknowledged } from './verbs.js'
import { callbackPageJson, commandPath, isoTime } from './views.js'

const URL_LENGTH_MAX = 2_048

const EnableBody = z.strictObject({
  url: z.string().min(1).max(URL_LENGTH_MAX).describe('As the list of endpoints shows it.'),
  reason,
})

export function callbackRoutes(context: HttpContext): RouteSpec[] {
  return [
    {
      method: 'GET',
      path: '/v1/callbacks',
      operationId: 'listCallbacks',
      summary: 'List callbacks with their deliveries, newest first.',
      auth: 'token',
      query: CallbackQuery,
      responses: { 200: { description: 'One page.', content: { 'application/json': 'CallbackPage' } } },
      problems: [400, 503],
      handle: (request, reply) => listCallbacks(context, request, reply),
    },
    {
      method: 'POST',
      path: '/v1/callbacks/{callback}/redeliver',
      operationId: 'redeliverCallback',
      summary: 'Send a callback again: the same body under the same webhook id.',
      auth: 'token',
      parameter: 'The id of the callback.',
      headers: ACTOR_HEADER,
      body: { 'application/json': ReasonBody },
      bodyOptional: true,
      responses: acknowledged('It is sent again, by the command that is named.'),
      problems: [400, 404, 409, 413, 415, 503],
      handle: (request, reply) => redeliver(context, request, reply),
    },
    ...endpointRoutes(context),
  ]
}

function endpointRoutes(context: HttpContext): RouteSpec[] {
  return [
    {
      method: 'GET',
      path: '/v1/callbacks/endpoints',
      operationId: 'listGoneEndpoints',
      summary: 'List endpoints that answered 410 and are left alone.',
      auth: 'token',
      responses: { 200: { description: 'All of them.', content: { 'application/json': 'GoneEndpoints' } } },
      problems: [503],
      handle: async () => {
        const endpoints = await context.spillway.callbacks.goneEndpoints()
        return { items: endpoints.map(({ url, goneAt }) => ({ url, goneAt: isoTime(goneAt) })) }
      },
    },
    {
      method: 'POST',
      path: '/v1/callbacks/endpoints/enable',
      operationId: 'enableEndpoint',
      summary: 'Call an endpoint again that answered 410.',
      auth: 'token',
      headers: ACTOR_HEADER,
      body: { 'application/json': EnableBody },
      responses: {
        200: { description: 'It is called again.', content: { 'application/json': 'EnabledEndpoint' } },
      },
      problems: [400, 404, 413, 415, 503],
      handle: (request) => enable(context, request),
    },
  ]
}

async function listCallbacks(
  { spillway, prefix }: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<string> {
  const { items, next } = await spillway.callbacks.list(pageRequest(readQuery(CallbackQuery, request)))
  reply.header('content-type', JSON_MEDIA_TYPE)
  return callbackPageJson(items, next, prefix)
}

async function redeliver(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<object> {
  const { callback: id } = request.params as { readonly callback: string }
  const by = await context.spillway.callbacks.redeliver(id, readAction(context, request))
  reply.code(202)
  // A delivered one is sent by a command of its own.
  const state = by === id ? 'retrying' : 'accepted'
  return { id: by, state, links: { self: commandPath(context.prefix, by) } }
}

async function enable(context: HttpContext, request: FastifyRequest): Promise<object> {
  const { url, reason: why } = readBody(context, request, EnableBody)
  const verdict = await context.spillway.callbacks.enableEndpoint(url, actionOf(request, why))
  if (verdict === 'ok') return { url, enabled: true }
  throw new SpillwayError('not_found', 'No endpoint with that url answered 410; there is nothing to enable.')
}
