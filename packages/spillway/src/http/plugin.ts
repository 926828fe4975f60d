// Spillway's HTTP interface as a Fastify plugin: mountable under any prefix of any Fastify server. Everything it needs of
// Fastify (parsers, hooks, error and not-found handlers) is set in its own scope, so the host's stay as they are.

import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from 'fastify'
import type { Spillway } from '../app/api.js'
import { authHook, TokenCheck } from './auth.js'
import { BodyDeadlines } from './body-deadlines.js'
import { addBodyParsers } from './body-parsers.js'
import type { HttpContext } from './context.js'
import { HTTP_LIMITS, type HttpLimits } from './limits.js'
import { RequestError } from './problem.js'
import { addRoutes } from './register.js'
import { allRoutes } from './routes.js'
import { fromFastify, reportFault, sendProblem } from './send-problem.js'
import { crossSiteHook } from './web-origin.js'

export interface HttpOptions {
  /** Bearer token that every request must carry, health checks apart. Default: the configuration's `http.token`, else none. */
  readonly token?: string | null
  /** Serve /metrics. Default true. */
  readonly metrics?: boolean
  readonly limits?: Partial<HttpLimits>
}

/** The host's answers to what is not Spillway's stay as they are. */
export function httpPlugin(spillway: Spillway, options: HttpOptions = {}): FastifyPluginCallback {
  return pluginOf(spillway, options, 'guest')
}

/** `owner`: also answers for paths of the server that are no routes at all. */
export function pluginOf(
  spillway: Spillway,
  options: HttpOptions,
  place: 'guest' | 'owner',
): FastifyPluginCallback {
  const token = options.token === undefined ? spillway.config.http.token : options.token
  const check = token === null ? null : new TokenCheck(token)
  return (fastify, _registerOptions, done) => {
    const closing = new AbortController()
    fastify.addHook('preClose', (next) => {
      closing.abort()
      next()
    })
    const limits = limitsOf(spillway, options)
    const context: HttpContext = {
      spillway,
      prefix: fastify.prefix,
      limits,
      metrics: options.metrics === false ? null : spillway.metrics,
      deadlines: new BodyDeadlines(spillway.clock, limits.bodyTimeoutMs),
      closing: closing.signal,
      trusts: (request) => check === null || check.accepts(request.headers.authorization),
    }
    fastify.addHook('onRequest', check === null ? crossSiteHook() : authHook(check))
    addErrorAnswers(fastify, context)
    // At the root of a server there is one not-found handler.
    if (place === 'owner' || fastify.prefix !== '') addNotFoundAnswer(fastify)
    addBodyParsers(fastify, context)
    addRoutes(fastify, allRoutes(context, check !== null), context)
    done()
  }
}

export function limitsOf({ config }: Spillway, { limits }: HttpOptions): HttpLimits {
  return { ...HTTP_LIMITS, bodyBytesMax: config.http.bodyLimit, ...limits }
}

function addErrorAnswers(fastify: FastifyInstance, { spillway, deadlines }: HttpContext): void {
  fastify.setErrorHandler((thrown, request, reply) => {
    const error = fromFastify(thrown)
    deadlines.arrived(request)
    // What is left of the body will not be read.
    if (mayHaveBody(request) && !request.raw.complete) reply.header('connection', 'close')
    reportFault(spillway.telemetry, `http ${request.method} ${request.routeOptions.url ?? ''}`, error)
    sendProblem(reply, error)
  })
}

export function addNotFoundAnswer(fastify: FastifyInstance): void {
  fastify.setNotFoundHandler((request, reply) => {
    sendProblem(reply, routeNotFound(request.url))
  })
}

function mayHaveBody({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

/** The path is shortened and not the query, which may carry what is nobody else's business. */
function routeNotFound(url: string): RequestError {
  const [path = ''] = url.split('?')
  return new RequestError(
    'route_not_found',
    `There is nothing at ${path.slice(0, PATH_SHOWN_MAX)}. GET /openapi.json lists what there is.`,
  )
}

const PATH_SHOWN_MAX = 100
