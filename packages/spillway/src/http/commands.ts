// POST /v1/commands/{type}: one command in, one receipt out. The hot path: a body parsed once, one promise, a reply put
// together by hand.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { SubmitOptions } from '../app/api.js'
import type { Receipt } from '../domain/index.js'
import type { HttpContext } from './context.js'
import { parseJsonBody } from './json-body.js'
import { JSON_MEDIA_TYPE } from './media-type.js'
import { RequestError } from './problem.js'
import { readQuery, SubmitQuery, submitOptions } from './query.js'
import { idempotencyKey, preferredWait } from './request-headers.js'
import type { RouteSpec } from './route.js'
import { commandJson, commandPath, receiptJson } from './views.js'
import { terminalWithin } from './waiting.js'

export function commandRoutes(context: HttpContext): RouteSpec[] {
  return [
    {
      method: 'POST',
      path: '/v1/commands/{command}',
      operationId: 'submitCommand',
      summary: 'Submit one command.',
      auth: 'token',
      parameter: 'The type of the command.',
      query: SubmitQuery,
      headers: {
        'Idempotency-Key':
          'A repeat with the same key and payload gets the first receipt. Bare or quoted, at most 255 printable characters.',
        Prefer: '`wait=n` answers with the outcome when the command finishes within n seconds.',
      },
      body: { 'application/json': z.unknown().describe('The payload.') },
      responses: {
        200: {
          description: 'Finished within the time of `Prefer: wait`.',
          content: { 'application/json': 'Command' },
        },
        202: {
          description: 'Accepted.',
          content: { 'application/json': 'Receipt' },
          headers: { Location: 'Where the command can be read.' },
        },
      },
      problems: [400, 404, 413, 415, 422, 429, 503],
      handle: (request, reply) => {
        submitOne(context, request, reply)
      },
    },
  ]
}

type CommandParams = { readonly command: string }

/** Not async: a promise of the handler's own would be one more per command. */
function submitOne(context: HttpContext, request: FastifyRequest, reply: FastifyReply): void {
  const { spillway, limits } = context
  const { prefer } = request.headers
  let receipt: Promise<Receipt>
  let waitSeconds: number | null = null
  try {
    const payload = parseJsonBody(wholeBody(request), limits.jsonDepthMax)
    if (prefer !== undefined) waitSeconds = preferredWait(prefer, limits.waitSecondsMax)
    receipt = spillway.submit((request.params as CommandParams).command, payload, optionsOf(request))
  } catch (error) {
    reply.send(error)
    return
  }
  receipt.then(
    (accepted) => {
      if (waitSeconds === null) sendReceipt(context, reply, accepted)
      else answerLater(context, reply, accepted, waitSeconds)
    },
    (error: unknown) => reply.send(error),
  )
}

/** The body as it came; throws unless it was sent as JSON. */
function wholeBody(request: FastifyRequest): Buffer {
  if (Buffer.isBuffer(request.body)) return request.body
  throw new RequestError('unsupported_media_type', 'Send the payload as application/json.')
}

function optionsOf(request: FastifyRequest): SubmitOptions | undefined {
  const key = idempotencyKey(request.raw)
  const hasQuery = request.raw.url?.includes('?') === true
  if (key === undefined && !hasQuery) return undefined
  const options = hasQuery ? submitOptions(readQuery(SubmitQuery, request)) : {}
  if (key !== undefined) options.key = key
  return options
}

function sendReceipt(context: HttpContext, reply: FastifyReply, receipt: Receipt): void {
  const path = commandPath(context.prefix, receipt.id)
  reply
    .code(202)
    .header('content-type', JSON_MEDIA_TYPE)
    .header('location', path)
    .send(receiptJson(receipt, path))
}

function answerLater(context: HttpContext, reply: FastifyReply, receipt: Receipt, seconds: number): void {
  reply.header('preference-applied', `wait=${seconds}`)
  terminalWithin(context, reply, { id: receipt.id, seconds }).then(
    (view) => {
      if (view === null) sendReceipt(context, reply, receipt)
      else reply.code(200).header('content-type', JSON_MEDIA_TYPE).send(commandJson(view, context.prefix))
    },
    // The command was accepted, and a failure to watch it must not look as if it was not.
    () => sendReceipt(context, reply, receipt),
  )
}
