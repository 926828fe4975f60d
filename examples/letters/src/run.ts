// One run: the post office, the customer's system and the worker as processes of their own, the application's front here;
// letters in, trouble, and the ledger once everything is over.

import { randomBytes } from 'node:crypto'
import type { Spillway } from 'spillway'
import { openAnswerDesk } from './answer-desk.js'
import { type Application, openApplication } from './application.js'
import { type Child, type ChildSecrets, startChild } from './child.js'
import { readFacts } from './durable-log.js'
import { type Ledger, ledgerOf, type SettledOrder } from './ledger.js'
import { type Letter, makeLetters } from './letter.js'
import type { PostOfficeMessage } from './post-office/process.js'
import type { PostOfficeFact } from './post-office/wire.js'
import type { RunFolder } from './run-folder.js'
import { allOver, settledOrders } from './settled-orders.js'
import type { UpstreamMessage } from './upstream/process.js'
import type { CallbackFact } from './upstream/wire.js'
import { WorkerHand } from './worker-hand.js'

export interface RunOptions {
  readonly letters: number
  readonly seed: number
  /** Kill the worker now and then. */
  readonly crash: boolean
  readonly database: string
  readonly folder: RunFolder
  /** Called with a sentence about everything worth one. */
  readonly say: (sentence: string) => void
}

export interface RunResult extends Ledger {
  readonly workerKills: number
  readonly postOfficeOutages: number
  readonly seconds: number
}

/** Letters of one call: what one shop's checkout page would never send, and a nightly import would. */
const SUBMIT_AT_ONCE = 250

interface Around {
  readonly postOffice: Child<PostOfficeMessage>
  readonly postOfficeUrl: string
  readonly upstream: Child<UpstreamMessage>
  readonly upstreamUrl: string
}

export async function run(options: RunOptions): Promise<RunResult> {
  const startedAt = performance.now()
  const secrets = { database: options.database, secret: `whsec_${randomBytes(32).toString('base64')}` }
  const around = await startAround(options, secrets)
  let spillway: Spillway | null = null
  const desk = await openAnswerDesk(() => spillway)
  const urls = { ...around, replyUrl: `${desk.url}/answers` }
  const application = await openApplication({ ...urls, ...secrets, roles: ['intake'] })
  spillway = application.spillway
  try {
    const letters = makeLetters(options.letters, around.upstreamUrl)
    const hand = new WorkerHand({ ...urls, ...options, secrets })
    const [settled] = await Promise.all([
      issue(application, letters, hand),
      options.crash ? hand.killNowAndThen() : undefined,
    ])
    const last = await lastWords(around)
    const evidence = { orderIds: letters.map(({ orderId }) => orderId), settled, ...notesOf(options) }
    const seconds = (performance.now() - startedAt) / 1_000
    return { ...ledgerOf(evidence), workerKills: hand.kills, postOfficeOutages: last, seconds }
  } finally {
    spillway = null
    await application.spillway.close()
    await desk.close()
  }
}

async function startAround({ folder, seed, letters }: RunOptions, secrets: ChildSecrets): Promise<Around> {
  const postOfficeArgs = [folder.file('post-office.log'), String(seed), String(letters)]
  const postOffice = startChild<PostOfficeMessage>('./post-office/process.js', secrets, postOfficeArgs)
  const upstreamArgs = [folder.file('upstream.log'), String(seed)]
  const upstream = startChild<UpstreamMessage>('./upstream/process.js', secrets, upstreamArgs)
  const [first, second] = await Promise.all([postOffice.message(), upstream.message()])
  const postOfficeUrl = 'url' in first ? first.url : ''
  return { postOffice, postOfficeUrl, upstream, upstreamUrl: second.url }
}

/** Resolves with what Spillway says about every order, once all of them are over. */
async function issue(
  { spillway, issueLetter }: Application,
  letters: readonly Letter[],
  hand: WorkerHand,
): Promise<readonly SettledOrder[]> {
  const orderIds = new Map<string, string>()
  hand.start()
  for (let from = 0; from < letters.length; from += SUBMIT_AT_ONCE) {
    const slice = letters.slice(from, from + SUBMIT_AT_ONCE)
    const verdicts = await spillway.submitMany(issueLetter, slice)
    for (const [at, verdict] of verdicts.entries()) {
      if (!verdict.ok) throw verdict.error
      orderIds.set(verdict.receipt.id, slice[at]?.orderId ?? '')
    }
  }
  await hand.killingIsOver
  await allOver(spillway)
  await hand.stop()
  return settledOrders(spillway, orderIds)
}

/** Resolves with how often the post office was down. */
async function lastWords({ postOffice, upstream }: Around): Promise<number> {
  const last = await postOffice.finish()
  await upstream.finish()
  return 'outages' in last ? last.outages : 0
}

function notesOf({ folder }: RunOptions) {
  return {
    postOffice: readFacts<PostOfficeFact>(folder.file('post-office.log')),
    upstream: readFacts<CallbackFact>(folder.file('upstream.log')),
  }
}
