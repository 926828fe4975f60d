// All routes there are, and the document that describes them.

import { z } from 'zod'
import { auditRoutes } from './audit.js'
import { bulkRoutes } from './bulk.js'
import { callbackRoutes } from './callbacks.js'
import { commandRoutes } from './commands.js'
import { completionRoutes } from './completions.js'
import type { HttpContext } from './context.js'
import { deadLetterRoutes } from './dead-letters.js'
import { healthRoutes } from './health.js'
import { metricsRoutes } from './metrics.js'
import { nodeRoutes } from './nodes.js'
import { openapiDocument } from './openapi.js'
import { operationRoutes } from './operations.js'
import { queryRoutes } from './queries.js'
import { queueRoutes } from './queues.js'
import type { RouteSpec } from './route.js'
import { verbRoutes } from './verbs.js'

/** `secured`: a token is required where a route does not say otherwise. */
export function allRoutes(context: HttpContext, secured: boolean): RouteSpec[] {
  const routes: RouteSpec[] = [
    ...commandRoutes(context),
    ...bulkRoutes(context),
    ...queryRoutes(context),
    ...verbRoutes(context),
    ...completionRoutes(context),
    ...deadLetterRoutes(context),
    ...operationRoutes(context),
    ...callbackRoutes(context),
    ...auditRoutes(context),
    ...queueRoutes(context),
    ...nodeRoutes(context),
    ...healthRoutes(context),
    ...metricsRoutes(context),
    {
      method: 'GET',
      path: '/openapi.json',
      operationId: 'openapi',
      summary: 'This document.',
      auth: 'token',
      responses: {
        200: {
          description: 'OpenAPI 3.1.',
          content: { 'application/json': z.record(z.string(), z.unknown()) },
        },
      },
      problems: [],
      handle: () => document(),
    },
  ]
  let made: object | null = null
  const document = (): object => {
    made ??= openapiDocument(routes, context.prefix, secured)
    return made
  }
  return routes
}
