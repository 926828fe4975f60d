// One verb on all commands that a filter finds. It is stored and answered for at once, and done by the workers: what is to be seen
// of it meanwhile is its progress.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { OperationAction } from '../app/operator-api.js'
import { COMMAND_STATES, type CommandState } from '../domain/index.js'
import { ACTOR_HEADER, actionOf } from './actor.js'
import type { HttpContext } from './context.js'
import { given } from './query.js'
import type { RouteSpec } from './route.js'
import { readBody, reason } from './verb-body.js'
import { operationView } from './views.js'

const ACTIONS = ['redrive', 'discard', 'cancel'] as const satisfies readonly OperationAction[]

const OperationBody = z.strictObject({
  action: z.enum(ACTIONS),
  filter: z
    .strictObject({
      state: z.enum(COMMAND_STATES as readonly [CommandState, ...CommandState[]]).optional(),
      type: z.string().optional(),
      queue: z.string().optional(),
      fingerprint: z.string().optional().describe('Of an error group.'),
    })
    .describe(
      'What is left out does not matter, but for the state: then dead commands are meant, and for cancel all that can be.',
    ),
  dryRun: z.boolean().optional().describe('Only count them.'),
  reason,
})

export function operationRoutes(context: HttpContext): RouteSpec[] {
  return [
    {
      method: 'POST',
      path: '/v1/operations',
      operationId: 'startOperation',
      summary: 'Redrive, discard or cancel all commands that a filter finds.',
      auth: 'token',
      headers: ACTOR_HEADER,
      body: { 'application/json': OperationBody },
      responses: {
        200: {
          description: 'Of a dry run: how many there are.',
          content: { 'application/json': 'OperationMatches' },
        },
        202: {
          description: 'Stored; a worker does it.',
          content: { 'application/json': 'Acknowledged' },
          headers: { Location: 'Where its progress can be read.' },
        },
      },
      problems: [400, 413, 415, 503],
      handle: (request, reply) => start(context, request, reply),
    },
    {
      method: 'GET',
      path: '/v1/operations/{operation}',
      operationId: 'getOperation',
      summary: 'Read how far an operation has got.',
      auth: 'token',
      parameter: 'The id of the operation.',
      responses: { 200: { description: 'The operation.', content: { 'application/json': 'Operation' } } },
      problems: [404, 503],
      handle: async ({ params }) => {
        const { operation: id } = params as { readonly operation: string }
        return operationView(await context.spillway.operations.get(id), context.prefix)
      },
    },
  ]
}

async function start(context: HttpContext, request: FastifyRequest, reply: FastifyReply): Promise<object> {
  const { action, filter, dryRun = false, reason: why } = readBody(context, request, OperationBody)
  const { id, matches, more } = await context.spillway.operations.start({
    ...{ action, filter: given(filter), dryRun, ...actionOf(request, why) },
  })
  if (id === null) return { matches, more }
  const self = `${context.prefix}/v1/operations/${id}`
  reply.code(202).header('location', self)
  return { id, state: 'accepted', links: { self } }
}
