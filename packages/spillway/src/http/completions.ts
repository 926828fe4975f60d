// The counterpart's answer to a command that waits for it. Whoever has the token may answer, once; beside it the interface's own
// token is asked for, as everywhere.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  type CompletionOutcome,
  DELAY_MS_MAX,
  ERROR_MESSAGE_MAX,
  parseCommandId,
  TOKEN_LENGTH_MAX,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { HttpContext } from './context.js'
import { JSON_MEDIA_TYPE } from './media-type.js'
import type { RouteSpec } from './route.js'
import { readBody } from './verb-body.js'
import { commandJson } from './views.js'

const because = z.string().min(1).describe(`Kept with the command, up to ${ERROR_MESSAGE_MAX} characters.`)

const Outcome = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('ok'), value: z.unknown().optional() }).describe('Done.'),
  z.strictObject({ outcome: z.literal('failed'), reason: because }).describe('A business no.'),
  z
    .strictObject({
      outcome: z.literal('retry'),
      reason: because,
      afterMs: z.int().min(0).max(DELAY_MS_MAX).optional().describe("Default: the policy's backoff."),
    })
    .describe('Not now: execute it again.'),
  z.strictObject({ outcome: z.literal('unknown'), reason: because }).describe('It may have happened or not.'),
])

const CompletionBody = z.strictObject({
  token: z.string().min(1).max(TOKEN_LENGTH_MAX).describe('As the handler handed it out. It works once.'),
  outcome: Outcome,
})

export function completionRoutes(context: HttpContext): RouteSpec[] {
  const shared = {
    method: 'POST',
    auth: 'token',
    body: { 'application/json': CompletionBody },
    responses: {
      200: {
        description: 'The command as it is from now on.',
        content: { 'application/json': 'Command' },
      },
    },
    problems: [400, 404, 409, 413, 415, 501, 503],
  } as const
  return [
    {
      ...shared,
      path: '/v1/commands/{command}/complete',
      operationId: 'completeCommand',
      summary: 'Answer for a pending command.',
      parameter: 'The id of the command.',
      handle: (request, reply) => {
        const { command } = request.params as { readonly command: string }
        return complete(context, request, reply, command)
      },
    },
    {
      ...shared,
      path: '/v1/completions',
      operationId: 'completeByToken',
      summary: 'Answer for a pending command of which only the token is known.',
      handle: (request, reply) => complete(context, request, reply, null),
    },
  ]
}

async function complete(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
  id: string | null,
): Promise<string> {
  const { token, outcome } = readBody(context, request, CompletionBody)
  if (id !== null) checkTokenOf(id, token)
  const view = await context.spillway.complete(token, outcome as CompletionOutcome)
  reply.header('content-type', JSON_MEDIA_TYPE)
  return commandJson(view, context.prefix)
}

/** A token that Spillway made begins with the id of its command; one of the handler's own tells nothing. */
function checkTokenOf(id: string, token: string): void {
  const carried = token.slice(0, Math.max(0, token.indexOf('.')))
  if (parseCommandId(carried) === null || carried === id) return
  throw new SpillwayError('token_unknown', 'This token is not of this command. Nothing was completed.')
}
