// Who did what to commands, queues and callbacks, and why.

import type { HttpContext } from './context.js'
import { AuditQuery, pageRequest, readQuery } from './query.js'
import type { RouteSpec } from './route.js'
import { isoTime } from './views.js'

export function auditRoutes({ spillway }: HttpContext): RouteSpec[] {
  return [
    {
      method: 'GET',
      path: '/v1/audit',
      operationId: 'listAudit',
      summary: 'List who did what, newest first.',
      auth: 'token',
      query: AuditQuery,
      responses: { 200: { description: 'One page.', content: { 'application/json': 'AuditPage' } } },
      problems: [400, 503],
      handle: async (request) => {
        const { items, next } = await spillway.audit(pageRequest(readQuery(AuditQuery, request)))
        return { items: items.map((record) => ({ ...record, at: isoTime(record.at) })), nextCursor: next }
      },
    },
  ]
}
