// Where the post office sends its later answers. The token is all it needs to know: unguessable, and good for one answer.

import { failed, isSpillwayError, ok, type Spillway } from 'spillway'
import { bodyText, HttpService, send } from './http-service.js'
import type { LateAnswer } from './post-office/wire.js'

export function openAnswerDesk(spillwayOf: () => Spillway | null): Promise<HttpService> {
  return HttpService.open(async (request, response) => {
    const { token, issued, reason } = JSON.parse(await bodyText(request)) as LateAnswer
    const spillway = spillwayOf()
    if (spillway === null) return send(response, 503, { reason: 'starting' })
    try {
      await spillway.complete(token, issued === null ? failed(reason ?? 'refused') : ok(issued))
      send(response, 200, {})
    } catch (error) {
      send(response, statusOf(error), { reason: error instanceof Error ? error.message : String(error) })
    }
  })
}

/** Used or expired is for good; everything else is worth another try. */
function statusOf(error: unknown): number {
  if (!isSpillwayError(error)) return 500
  if (error.code === 'token_unknown') return 410
  return error.code === 'state_conflict' ? 409 : 503
}
