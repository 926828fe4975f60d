// The post office as a process of its own, down twice while the orders come. Arguments: log file, seed, orders in all.

import { setTimeout as sleep } from 'node:timers/promises'
import { askedToFinish, finishWith } from '../child.js'
import { DurableLog } from '../durable-log.js'
import { bodyText, HttpService, send } from '../http-service.js'
import { Books } from './books.js'
import { Desk } from './desk.js'
import { LateAnswers } from './late-answers.js'
import type { Posting, PostOfficeFact } from './wire.js'

/** What it says once it is up, and at the end. */
export type PostOfficeMessage = { readonly url: string } | { readonly outages: number }

/** When it goes down, in shares of all orders, and for how long. */
const OUTAGES_AT = [0.3, 0.7]
const OUTAGE_MS = 1_500

const [logFile = '', seedText = '', ordersText = ''] = process.argv.slice(2)
const seed = Number(seedText)
const outagesAt = OUTAGES_AT.map((share) => Math.floor(Number(ordersText) * share))
let outages = 0

const log = await DurableLog.open<PostOfficeFact>(logFile)
const books = new Books(log)
const answers = new LateAnswers({ seed, books })
const desk = new Desk({ seed, books, answers })

const service = await HttpService.open(async (request, response) => {
  const [, collection, orderId = '', part] = (request.url ?? '').split('/')
  if (collection === 'progress') return send(response, 200, { orders: books.orders })
  if (collection !== 'orders') return send(response, 404)
  if (request.method === 'GET') return desk.lookUp(orderId, response)
  if (part === 'refund') return desk.refund(orderId, response)
  await desk.post(JSON.parse(await bodyText(request)) as Posting, response)
  if (books.orders >= (outagesAt[outages] ?? Number.POSITIVE_INFINITY)) await goDown()
})

async function goDown(): Promise<void> {
  outages += 1
  await service.halt()
  await sleep(OUTAGE_MS)
  await service.resume()
}

process.send?.({ url: service.url } satisfies PostOfficeMessage)
await askedToFinish()
await answers.settled()
await service.close()
await log.close()
finishWith({ outages } satisfies PostOfficeMessage)
