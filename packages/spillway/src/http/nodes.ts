// The processes that work on the store.

import type { HttpContext } from './context.js'
import type { RouteSpec } from './route.js'
import { nodeView } from './views.js'

export function nodeRoutes({ spillway }: HttpContext): RouteSpec[] {
  return [
    {
      method: 'GET',
      path: '/v1/nodes',
      operationId: 'listNodes',
      summary: 'List the processes that work on the store, by start time.',
      auth: 'token',
      responses: {
        200: {
          description: 'All nodes, for a while also those that died.',
          content: { 'application/json': 'Nodes' },
        },
      },
      problems: [503],
      handle: async () => ({ items: (await spillway.nodes()).map(nodeView) }),
    },
  ]
}
