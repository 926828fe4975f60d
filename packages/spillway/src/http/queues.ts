// The queues: what waits in them, and what every process obeys about them.

import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { PAUSE_REASON_MAX, QUEUE_LEASES_MAX, type QueueSettings } from '../domain/index.js'
import { ACTOR_HEADER, actionOf } from './actor.js'
import type { HttpContext } from './context.js'
import type { RouteSpec } from './route.js'
import { ReasonBody, readAction, readBody, reason } from './verb-body.js'
import { queueView } from './views.js'

const PauseBody = z.strictObject({
  reason: z.string().max(PAUSE_REASON_MAX).optional().describe('For whoever looks at the queue.'),
})
const LimitBody = z.strictObject({
  leasesMax: z
    .int()
    .min(1)
    .max(QUEUE_LEASES_MAX)
    .nullable()
    .describe('Chunks that run at once, over all processes; null for no limit.'),
  reason,
})

export function queueRoutes(context: HttpContext): RouteSpec[] {
  const { spillway } = context
  return [
    {
      method: 'GET',
      path: '/v1/queues',
      operationId: 'listQueues',
      summary: 'List the queues with what waits in them.',
      auth: 'token',
      responses: { 200: { description: 'All queues.', content: { 'application/json': 'Queues' } } },
      problems: [503],
      handle: async () => ({ items: (await spillway.queues()).map(queueView) }),
    },
    verb('pause', 'Stop running commands of a queue; it still accepts.', {
      optionalBody: PauseBody,
      apply: (queue, request) => {
        const { reason: why } = readBody(context, request, PauseBody, {})
        return spillway.pause(queue, actionOf(request, why))
      },
    }),
    verb('resume', 'Run commands of a queue again.', {
      optionalBody: ReasonBody,
      apply: (queue, request) => spillway.resume(queue, readAction(context, request)),
    }),
    verb('limit', 'Limit how many chunks of a queue run at once, over all processes.', {
      body: LimitBody,
      apply: (queue, request) => {
        const { leasesMax, reason: why } = readBody(context, request, LimitBody)
        return spillway.limit(queue, leasesMax, actionOf(request, why))
      },
    }),
  ]
}

interface Verb {
  readonly body?: z.ZodObject
  readonly optionalBody?: z.ZodObject
  apply(queue: string, request: FastifyRequest): Promise<QueueSettings>
}

function verb(name: string, summary: string, { body, optionalBody, apply }: Verb): RouteSpec {
  const schema = body ?? optionalBody ?? ReasonBody
  return {
    method: 'POST',
    path: `/v1/queues/{queue}/${name}`,
    operationId: `${name}Queue`,
    summary,
    auth: 'token',
    parameter: 'The name of the queue.',
    headers: ACTOR_HEADER,
    body: { 'application/json': schema },
    ...(optionalBody === undefined ? {} : { bodyOptional: true }),
    responses: {
      200: { description: 'As the queue is from now on.', content: { 'application/json': 'QueueSettings' } },
    },
    problems: [400, 404, 413, 415, 503],
    handle: async (request) => {
      const { queue } = request.params as { readonly queue: string }
      return { queue, ...(await apply(queue, request)) }
    },
  }
}
