// Route objects become Fastify routes. Every path also answers the methods it does not take, because "not this way" (405) and
// "not here" (404) are different mistakes.

import type { FastifyInstance, HTTPMethods, onRequestHookHandler, RouteHandlerMethod } from 'fastify'
import { bodyLate } from './body-deadlines.js'
import type { HttpContext } from './context.js'
import { RequestError } from './problem.js'
import { type RouteSpec, routerPath } from './route.js'

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

export function addRoutes(
  fastify: FastifyInstance,
  routes: readonly RouteSpec[],
  context: HttpContext,
): void {
  const methodsOf = new Map<string, HTTPMethods[]>()
  for (const route of routes) {
    const url = routerPath(route.path)
    const isRead = route.method === 'GET'
    fastify.route({
      method: route.method,
      url,
      exposeHeadRoute: isRead,
      config: { auth: route.auth },
      ...(isRead ? { handler: route.handle } : withDeadline(route, context)),
    })
    methodsOf.set(url, [
      ...(methodsOf.get(url) ?? []),
      ...(isRead ? (['GET', 'HEAD'] as const) : [route.method]),
    ])
  }
  for (const [url, allowed] of methodsOf) addRefusal(fastify, url, allowed)
}

interface Timed {
  readonly bodyLimit: number
  readonly onRequest: onRequestHookHandler
  readonly handler: RouteHandlerMethod
}

/** A body that does not arrive is answered for; one that has arrived is no longer waited for. */
function withDeadline({ handle }: RouteSpec, { deadlines, limits }: HttpContext): Timed {
  return {
    bodyLimit: limits.bodyBytesMax,
    onRequest: (request, reply, done) => {
      deadlines.expect(request, () => {
        if (!reply.sent) reply.send(bodyLate(deadlines.timeoutMs))
      })
      done()
    },
    handler: (request, reply) => {
      deadlines.arrived(request)
      return handle(request, reply)
    },
  }
}

/** Refuses before a body is read; who may not ask at all is told that first. */
function addRefusal(fastify: FastifyInstance, url: string, allowed: readonly HTTPMethods[]): void {
  const allow = allowed.join(', ')
  fastify.route({
    method: METHODS.filter((method) => !allowed.includes(method)),
    url,
    config: { auth: 'token' },
    onRequest: (request, _reply, done) => {
      done(
        new RequestError('method_not_allowed', `This path takes ${allow}, not ${request.method}.`, { allow }),
      )
    },
    handler: () => undefined,
  })
}
