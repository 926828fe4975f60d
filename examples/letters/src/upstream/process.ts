// The customer's system as a process of its own: believes no callback whose signature is not right, and fails now and then.
// Arguments: log file, seed. The secret goes by the environment.

import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { verifyCallback } from 'spillway'
import { chance } from '../chance.js'
import { askedToFinish, finishWith, ownSecret } from '../child.js'
import { DurableLog } from '../durable-log.js'
import { bodyText, HttpService, send } from '../http-service.js'
import type { CallbackFact } from './wire.js'

/** What it says once it is up. */
export interface UpstreamMessage {
  readonly url: string
}

/** Of first callbacks: refused with an error, and taken without a word. */
const ERROR_SHARE = 0.05
const SILENT_SHARE = 0.03

const [logFile = '', seedText = ''] = process.argv.slice(2)
const seed = Number(seedText)
const secret = ownSecret()
const log = await DurableLog.open<CallbackFact>(logFile)
const known = new Set<string>()

const service = await HttpService.open(async (request, response) => {
  const orderId = (request.url ?? '').replace('/orders/', '')
  const body = await bodyText(request)
  const verified = isGenuine(request, body)
  const luck = known.has(orderId) || !verified ? 1 : chance(seed, 'callback', orderId)
  known.add(orderId)
  const isRefused = luck < ERROR_SHARE
  const isSilent = !isRefused && luck < ERROR_SHARE + SILENT_SHARE
  const { type: event } = JSON.parse(body) as { type: string }
  await log.note({
    ...{ orderId, event, verified, taken: verified && !isRefused && !isSilent },
    webhookId: String(request.headers['webhook-id']),
    digest: createHash('sha256').update(body).digest('base64url'),
  })
  if (isSilent) response.destroy()
  else send(response, verified ? (isRefused ? 500 : 200) : 401, {})
})

function isGenuine(request: IncomingMessage, body: string): boolean {
  try {
    verifyCallback(request.headers, body, [secret], { now: Date.now() })
    return true
  } catch {
    return false
  }
}

process.send?.({ url: service.url } satisfies UpstreamMessage)
await askedToFinish()
await service.close()
await log.close()
finishWith({ url: service.url } satisfies UpstreamMessage)
