// The commands that nothing helped: listed apart, because somebody has to look at them, and grouped by what they died of, because
// a thousand of them often have one cause.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpContext } from './context.js'
import { JSON_MEDIA_TYPE } from './media-type.js'
import { DeadLetterQuery, ErrorGroupQuery, given, pageLimit, pageRequest, readQuery } from './query.js'
import type { RouteSpec } from './route.js'
import { errorGroupView, pageJson } from './views.js'

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
      method: 'GET',
      path: '/v1/dead-letters/groups',
      operationId: 'groupDeadLetters',
      summary: 'Group dead commands by error, most commands first.',
      auth: 'token',
      query: ErrorGroupQuery,
      responses: {
        200: { description: 'The largest groups.', content: { 'application/json': 'ErrorGroups' } },
      },
      problems: [400, 503],
      handle: (request) => groupDead(context, request),
    },
  ]
}

async function listDead(context: HttpContext, request: FastifyRequest, reply: FastifyReply): Promise<string> {
  const query = readQuery(DeadLetterQuery, request)
  const { items, next } = await context.spillway.deadLetters.list(pageRequest(query))
  reply.header('content-type', JSON_MEDIA_TYPE)
  return pageJson(items, next, context.prefix)
}

async function groupDead({ spillway, prefix }: HttpContext, request: FastifyRequest): Promise<object> {
  const { limit, ...filter } = readQuery(ErrorGroupQuery, request)
  const groups = await spillway.deadLetters.groups({ ...given(filter), limit: pageLimit(limit) })
  return { items: groups.map((group) => errorGroupView(group, prefix)) }
}
