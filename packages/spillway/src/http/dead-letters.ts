// The commands that nothing helped: listed apart, because somebody has to look at them, and sent round again from here.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { SpillwayError } from '../errors/index.js'
import type { HttpContext } from './context.js'
import { control, given, RETRY, sendPage } from './queries.js'
import { DeadLetterQuery, pageLimit, readQuery } from './query.js'
import type { RouteSpec } from './route.js'

export function deadLetterRoutes(context: HttpContext): RouteSpec[] {
  return [
    {
      method: 'GET',
      path: '/v1/dead-letters',
      operationId: 'listDeadLetters',
      summary: 'List dead commands, newest first.',
      auth: 'token',
      query: DeadLetterQuery,
      responses: { 200: { description: 'One page.', content: { 'application/json': 'CommandPage' } } },
      problems: [400, 503],
      handle: (request, reply) => listDead(context, request, reply),
    },
    {
      method: 'POST',
      path: '/v1/dead-letters/{command}/retry',
      operationId: 'retryDeadLetter',
      summary: 'Run a dead command again, with the same id.',
      auth: 'token',
      parameter: 'The id of the command.',
      responses: {
        202: { description: 'It will run again.', content: { 'application/json': 'Acknowledged' } },
      },
      problems: [404, 409, 410, 503],
      handle: (request, reply) => retryDead(context, request, reply),
    },
  ]
}

async function listDead(context: HttpContext, request: FastifyRequest, reply: FastifyReply): Promise<string> {
  const { cursor, limit, ...filter } = readQuery(DeadLetterQuery, request)
  return sendPage(context, reply, {
    ...given(filter),
    state: 'dead',
    ...(cursor === undefined ? {} : { after: cursor }),
    limit: pageLimit(limit),
  })
}

async function retryDead(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<object> {
  const { command: id } = request.params as { readonly command: string }
  const { state } = await context.spillway.outcome(id)
  if (state !== 'dead')
    throw new SpillwayError('state_conflict', `The command is ${state}, not dead.`, {
      details: { id, state },
    })
  return control(context, request, reply, RETRY)
}
