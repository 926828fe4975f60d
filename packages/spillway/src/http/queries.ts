// Reading commands: one, now or once it has ended, and many, page by page.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { SpillwayError } from '../errors/index.js'
import type { HttpContext } from './context.js'
import { JSON_MEDIA_TYPE } from './media-type.js'
import { CommandQuery, isSet, ListQuery, pageRequest, readQuery } from './query.js'
import type { RouteSpec } from './route.js'
import { commandJson, pageJson } from './views.js'
import { outcomeWithin } from './waiting.js'

export function queryRoutes(context: HttpContext): RouteSpec[] {
  return [
    {
      method: 'GET',
      path: '/v1/commands/{command}',
      operationId: 'getCommand',
      summary: 'Read one command, or wait for its outcome.',
      auth: 'token',
      parameter: 'The id of the command.',
      query: CommandQuery,
      responses: { 200: { description: 'The command.', content: { 'application/json': 'Command' } } },
      problems: [400, 404, 410, 503],
      handle: (request, reply) => getCommand(context, request, reply),
    },
    {
      method: 'GET',
      path: '/v1/commands',
      operationId: 'listCommands',
      summary: 'List commands, newest first.',
      auth: 'token',
      query: ListQuery,
      responses: { 200: { description: 'One page.', content: { 'application/json': 'CommandPage' } } },
      problems: [400, 503],
      handle: (request, reply) => listCommands(context, request, reply),
    },
  ]
}

type CommandParams = { readonly command: string }

async function getCommand(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<string> {
  const { command: id } = request.params as CommandParams
  const query = readQuery(CommandQuery, request)
  const seconds = Math.min(Number(query.wait ?? 0), context.limits.waitSecondsMax)
  const view = await outcomeWithin(context, reply, { id, seconds, payload: isSet(query.payload) })
  reply.header('content-type', JSON_MEDIA_TYPE)
  return commandJson(view, context.prefix)
}

async function listCommands(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<string> {
  const query = readQuery(ListQuery, request)
  if (query.fingerprint !== undefined && query.state === undefined)
    throw new SpillwayError('invalid_argument', 'Query parameter fingerprint: goes with a state.', {
      details: { parameter: 'fingerprint' },
    })
  const { items, next } = await context.spillway.list(pageRequest(query))
  reply.header('content-type', JSON_MEDIA_TYPE)
  return pageJson(items, next, context.prefix)
}
