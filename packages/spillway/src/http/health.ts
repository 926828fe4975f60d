// For orchestrators and load balancers: is the process alive (asks nothing), and can it accept commands now (asks the store).

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Health } from '../app/api.js'
import type { HttpContext } from './context.js'
import { isSet, readQuery, VerboseQuery } from './query.js'
import type { RouteSpec } from './route.js'

export function healthRoutes(context: HttpContext): RouteSpec[] {
  return [
    {
      method: 'GET',
      path: '/livez',
      operationId: 'live',
      summary: 'Whether the process answers.',
      auth: 'open',
      responses: { 200: { description: 'It does.', content: { 'application/json': 'Liveness' } } },
      problems: [],
      handle: () => ({ status: 'live' }),
    },
    {
      method: 'GET',
      path: '/readyz',
      operationId: 'ready',
      summary: 'Whether commands can be accepted now.',
      auth: 'open',
      query: VerboseQuery,
      responses: {
        200: { description: 'They can.', content: { 'application/json': 'Readiness' } },
        503: { description: 'They cannot.', content: { 'application/json': 'Readiness' } },
      },
      problems: [400],
      handle: (request, reply) => readiness(context, request, reply),
    },
  ]
}

async function readiness(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<object> {
  const verbose = isSet(readQuery(VerboseQuery, request).verbose)
  const health = context.closing.aborted ? CLOSING : await context.spillway.health().catch(() => UNKNOWN)
  const status = health.ready ? 'ready' : 'not_ready'
  reply.code(health.ready ? 200 : 503)
  if (!verbose) return { status }
  // The route is open, and a detail may name files or hosts.
  const trusted = context.trusts(request)
  return {
    status,
    checks: health.checks.map(({ name, ok, detail }) => (trusted ? { name, ok, detail } : { name, ok })),
  }
}

const CLOSING: Health = { ready: false, checks: [{ name: 'server', ok: false, detail: 'closing' }] }
const UNKNOWN: Health = {
  ready: false,
  checks: [{ name: 'health', ok: false, detail: 'the check itself failed' }],
}
