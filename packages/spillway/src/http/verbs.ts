// What operators do to one command: cancel it, run it again (with another payload if need be), give it up.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Spillway } from '../app/api.js'
import { type CommandState, redriveEvent, transition } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { CommandView, ControlVerdict } from '../ports/index.js'
import { ACTOR_HEADER, actionOf } from './actor.js'
import type { HttpContext } from './context.js'
import type { RouteSpec } from './route.js'
import { ReasonBody, readAction, readBody, reason } from './verb-body.js'
import { commandPath } from './views.js'

const RetryBody = z.strictObject({
  payload: z
    .unknown()
    .optional()
    .describe("Takes the place of the command's payload; checked like that of a submit."),
  reason,
})

/** What every verb on one command has in common in the document. */
const SHARED = {
  method: 'POST',
  auth: 'token',
  parameter: 'The id of the command.',
  headers: ACTOR_HEADER,
  bodyOptional: true,
} as const

export function acknowledged(description: string): RouteSpec['responses'] {
  return { 202: { description, content: { 'application/json': 'Acknowledged' } } }
}

export function verbRoutes(context: HttpContext): RouteSpec[] {
  return [
    {
      ...SHARED,
      path: '/v1/commands/{command}/cancel',
      operationId: 'cancelCommand',
      summary: 'Cancel a command that is not running or finished.',
      body: { 'application/json': ReasonBody },
      responses: acknowledged('Cancelled.'),
      problems: [400, 404, 409, 410, 413, 415, 503],
      handle: (request, reply) => cancelOne(context, request, reply),
    },
    retryRoute('/v1/commands/{command}/retry', {
      operationId: 'retryCommand',
      summary: 'Run a failed, dead or cancelled command again, with the same id.',
      handle: (request, reply) => retryOne(context, request, reply, () => true),
    }),
    retryRoute('/v1/dead-letters/{command}/retry', {
      operationId: 'retryDeadLetter',
      summary: 'Run a dead command again, with the same id.',
      handle: (request, reply) => retryOne(context, request, reply, ({ state }) => state === 'dead'),
    }),
    {
      ...SHARED,
      path: '/v1/dead-letters/{command}/discard',
      operationId: 'discardDeadLetter',
      summary: 'Give up a dead or failed command: it becomes cancelled.',
      body: { 'application/json': ReasonBody },
      responses: acknowledged('Given up.'),
      problems: [400, 404, 409, 410, 413, 415, 503],
      handle: (request, reply) => discardOne(context, request, reply),
    },
  ]
}

function retryRoute(path: string, route: Pick<RouteSpec, 'operationId' | 'summary' | 'handle'>): RouteSpec {
  return {
    ...SHARED,
    path,
    ...route,
    body: { 'application/json': RetryBody },
    responses: acknowledged('It will run again, or go on where it died.'),
    problems: [400, 404, 409, 410, 413, 415, 422, 501, 503],
  }
}

async function cancelOne(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<object> {
  const id = commandIdOf(request)
  const verdicts = await context.spillway.cancel([id], readAction(context, request))
  return answer(context, reply, verdicts, { id, verb: 'cancelled', state: 'cancelled' })
}

async function discardOne(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<object> {
  const id = commandIdOf(request)
  const verdicts = await context.spillway.discard([id], readAction(context, request))
  return answer(context, reply, verdicts, { id, verb: 'discarded', state: 'cancelled' })
}

async function retryOne(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
  isMeant: (view: CommandView) => boolean,
): Promise<object> {
  const { spillway } = context
  const id = commandIdOf(request)
  const { payload, reason: why } = readBody(context, request, RetryBody, {})
  const before = await spillway.outcome(id)
  if (!isMeant(before)) throw stateConflict(id, before.state, 'retried as a dead letter')
  const verdicts = await spillway.redrive([id], {
    ...actionOf(request, why),
    ...(payload === undefined ? {} : { payloads: [payload] }),
  })
  // A redrive goes on where the command died: running it, asking about it, or undoing it.
  const state = transition(before.state, redriveEvent(before.state, before.stage)) ?? 'retrying'
  return answer(context, reply, verdicts, { id, verb: 'retried', state })
}

interface Done {
  readonly id: string
  /** In a sentence: "cannot be ...". */
  readonly verb: string
  /** The state it led to. */
  readonly state: CommandState
}

async function answer(
  { spillway, prefix }: HttpContext,
  reply: FastifyReply,
  [verdict]: readonly ControlVerdict[],
  { id, verb, state }: Done,
): Promise<object> {
  if (verdict !== 'ok') throw await refusal(spillway, id, verb)
  reply.code(202)
  return { id, state, links: { self: commandPath(prefix, id) } }
}

/** Reads the command once more: the answer then says what it is now, or that it is gone (which outcome() throws). */
async function refusal(spillway: Spillway, id: string, verb: string): Promise<SpillwayError> {
  const { state } = await spillway.outcome(id)
  return verb === 'cancelled' && transition(state, 'cancel') !== null
    ? onItsWay(id, state)
    : stateConflict(id, state, verb)
}

/** Or it has come back meanwhile to where it could have been cancelled. */
function onItsWay(id: string, state: CommandState): SpillwayError {
  return new SpillwayError(
    'state_conflict',
    `The command is ${state} and could not be cancelled: it was in a worker's hands, or is on its way there by a journal or a broker. Try again later.`,
    { details: { id, state, retry: true } },
  )
}

function stateConflict(id: string, state: CommandState, verb: string): SpillwayError {
  return new SpillwayError('state_conflict', `The command is ${state} and cannot be ${verb} now.`, {
    details: { id, state },
  })
}

function commandIdOf({ params }: FastifyRequest): string {
  return (params as { readonly command: string }).command
}
