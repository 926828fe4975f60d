// The queues: what waits in them, and stopping and starting them.

import type { HttpContext } from './context.js'
import type { RouteSpec } from './route.js'
import { queueView } from './views.js'

export function queueRoutes({ spillway }: HttpContext): RouteSpec[] {
  const paused = (verb: 'pause' | 'resume', summary: string): RouteSpec => ({
    method: 'POST',
    path: `/v1/queues/{queue}/${verb}`,
    operationId: `${verb}Queue`,
    summary,
    auth: 'token',
    parameter: 'The name of the queue.',
    responses: { 200: { description: 'Done.', content: { 'application/json': 'Paused' } } },
    problems: [404, 503],
    handle: async (request) => {
      const { queue } = request.params as { readonly queue: string }
      await spillway[verb](queue)
      return { queue, paused: verb === 'pause' }
    },
  })
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
    paused('pause', 'Stop running commands of a queue; it still accepts.'),
    paused('resume', 'Run commands of a queue again.'),
  ]
}
