// Prometheus scrapes. Present only where the composition hands in metrics.

import { z } from 'zod'
import type { HttpContext } from './context.js'
import type { RouteSpec } from './route.js'

export function metricsRoutes({ metrics }: HttpContext): RouteSpec[] {
  if (metrics === null) return []
  return [
    {
      method: 'GET',
      path: '/metrics',
      operationId: 'metrics',
      summary: 'Metrics in the Prometheus text format.',
      auth: 'token',
      responses: { 200: { description: 'One scrape.', content: { 'text/plain': z.string() } } },
      problems: [],
      handle: async (_request, reply) => {
        reply.header('content-type', metrics.contentType)
        return metrics.render()
      },
    },
  ]
}
