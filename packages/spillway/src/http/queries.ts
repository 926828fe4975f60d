// Reading commands, and the two verbs about one command: cancel and retry.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Spillway } from '../app/api.js'
import { SpillwayError } from '../errors/index.js'
import type { ControlVerdict, ListRequest } from '../ports/index.js'
import type { HttpContext } from './context.js'
import { JSON_MEDIA_TYPE } from './media-type.js'
import { ListQuery, pageLimit, readQuery, WaitQuery } from './query.js'
import type { RouteSpec } from './route.js'
import { commandJson, commandPath, pageJson } from './views.js'
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
      query: WaitQuery,
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
    {
      method: 'POST',
      path: '/v1/commands/{command}/cancel',
      operationId: 'cancelCommand',
      summary: 'Cancel a command that is not running or finished.',
      auth: 'token',
      parameter: 'The id of the command.',
      responses: { 202: { description: 'Cancelled.', content: { 'application/json': 'Acknowledged' } } },
      problems: [404, 409, 410, 503],
      handle: (request, reply) => control(context, request, reply, CANCEL),
    },
    {
      method: 'POST',
      path: '/v1/commands/{command}/retry',
      operationId: 'retryCommand',
      summary: 'Run a failed, dead or cancelled command again, with the same id.',
      auth: 'token',
      parameter: 'The id of the command.',
      responses: {
        202: { description: 'It will run again.', content: { 'application/json': 'Acknowledged' } },
      },
      problems: [404, 409, 410, 503],
      handle: (request, reply) => control(context, request, reply, RETRY),
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
  const query = readQuery(WaitQuery, request)
  const seconds = Math.min(Number(query.wait ?? 0), context.limits.waitSecondsMax)
  const view = await outcomeWithin(context, reply, { id, seconds, payload: query.include === 'payload' })
  reply.header('content-type', JSON_MEDIA_TYPE)
  return commandJson(view, context.prefix)
}

async function listCommands(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<string> {
  const { cursor, limit, ...filter } = readQuery(ListQuery, request)
  return sendPage(context, reply, {
    ...given(filter),
    ...(cursor === undefined ? {} : { after: cursor }),
    limit: pageLimit(limit),
  })
}

export async function sendPage(
  context: HttpContext,
  reply: FastifyReply,
  request: ListRequest,
): Promise<string> {
  const { items, next } = await context.spillway.list(request)
  reply.header('content-type', JSON_MEDIA_TYPE)
  return pageJson(items, next, context.prefix)
}

type Given<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> }

/** The members that are there: an absent one and one that is undefined are not the same to what follows. */
export function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>
}

export interface Verb {
  readonly name: string
  /** The state it leads to. */
  readonly state: string
  apply(spillway: Spillway, ids: readonly string[]): Promise<readonly ControlVerdict[]>
}

const CANCEL: Verb = { name: 'cancelled', state: 'cancelled', apply: (spillway, ids) => spillway.cancel(ids) }
export const RETRY: Verb = {
  name: 'retried',
  state: 'retrying',
  apply: (spillway, ids) => spillway.redrive(ids),
}

export async function control(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
  verb: Verb,
): Promise<object> {
  const { command: id } = request.params as CommandParams
  const [verdict] = await verb.apply(context.spillway, [id])
  if (verdict !== 'ok') throw await refusal(context.spillway, id, verb)
  reply.code(202)
  return { id, state: verb.state, links: { self: commandPath(context.prefix, id) } }
}

/** Reads the command once more: the answer then says what it is now, or that it is gone (which outcome() throws). */
async function refusal(spillway: Spillway, id: string, verb: Verb): Promise<SpillwayError> {
  const { state } = await spillway.outcome(id)
  return new SpillwayError('state_conflict', `The command is ${state} and cannot be ${verb.name} now.`, {
    details: { id, state },
  })
}
