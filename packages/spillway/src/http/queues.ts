// The queues: what waits in them, and what every process obeys about them.

import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { PAUSE_REASON_MAX, QUEUE_LEASES_MAX, type QueueSettings } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { HttpContext } from './context.js'
import { parseJsonBody } from './json-body.js'
import { RequestError } from './problem.js'
import type { RouteSpec } from './route.js'
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
        const { reason } = readBody(context, request, PauseBody, {})
        return spillway.pause(queue, reason === undefined ? {} : { reason })
      },
    }),
    verb('resume', 'Run commands of a queue again.', { apply: (queue) => spillway.resume(queue) }),
    verb('limit', 'Limit how many chunks of a queue run at once, over all processes.', {
      body: LimitBody,
      apply: (queue, request) =>
        spillway.limit(queue, readBody(context, request, LimitBody, undefined).leasesMax),
    }),
  ]
}

interface Verb {
  readonly body?: z.ZodObject
  readonly optionalBody?: z.ZodObject
  apply(queue: string, request: FastifyRequest): Promise<QueueSettings>
}

function verb(name: string, summary: string, { body, optionalBody, apply }: Verb): RouteSpec {
  const schema = body ?? optionalBody
  return {
    method: 'POST',
    path: `/v1/queues/{queue}/${name}`,
    operationId: `${name}Queue`,
    summary,
    auth: 'token',
    parameter: 'The name of the queue.',
    ...(schema === undefined ? {} : { body: { 'application/json': schema } }),
    ...(optionalBody === undefined ? {} : { bodyOptional: true }),
    responses: {
      200: { description: 'As the queue is from now on.', content: { 'application/json': 'QueueSettings' } },
    },
    problems: schema === undefined ? [404, 503] : [400, 404, 413, 415, 503],
    handle: async (request) => {
      const { queue } = request.params as { readonly queue: string }
      return { queue, ...(await apply(queue, request)) }
    },
  }
}

/** `absent` stands for no body at all; without it there must be one. */
function readBody<Body>(
  { limits }: HttpContext,
  { body }: FastifyRequest,
  schema: z.ZodType<Body>,
  absent: Body | undefined,
): Body {
  if (body === undefined && absent !== undefined) return absent
  if (!Buffer.isBuffer(body))
    throw new RequestError('unsupported_media_type', 'Send the body as application/json.')
  const result = schema.safeParse(parseJsonBody(body, limits.jsonDepthMax))
  if (result.success) return result.data
  const [issue] = result.error.issues
  const place = issue === undefined || issue.path.length === 0 ? 'The body' : issue.path.join('.')
  throw new SpillwayError('invalid_argument', `${place}: ${issue?.message ?? 'not what was expected'}`)
}
