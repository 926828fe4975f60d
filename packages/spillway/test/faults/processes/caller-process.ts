// Those who submit: a process of its own that nobody kills, with a log on disk of what it asked for and what it was told. Started by
// tests through jiti with the path of its log, the number of this run, which nothing of an earlier run must be mistaken for, and how much
// is to be sent.
// Lines on its standard input name intakes (`intake 0 <url>`, `gone 0`) and tell it to `stop`: then it sends nothing new, and ends
// when everything that may be sent again has been answered.
//
// Orders and letters have an idempotency key: without an answer they are sent again, to another intake. Clicks have none, and are
// given up.

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { argv, exit, stdin, stdout } from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answered, Submitted } from '../../../src/testing/checker/index.js'
import type { CallerTraffic } from './callers.js'
import { FATES, type Fate } from './counterpart.js'

const CALLERS = 12
const PATIENCE_MS = 10_000
/** Codes that leave open what became of the command. */
const DOUBTS: readonly string[] = ['store_unavailable', 'broker_unavailable', 'journal_failed']
/** Of one run. */
const OPS_MAX = 1_000_000_000
const DAY_MS = 86_400_000

interface Command {
  readonly type: 'order' | 'click' | 'letter'
  readonly payload: { readonly id: string; readonly fate?: Fate }
}

interface BulkAnswer {
  readonly items: readonly {
    readonly status: 'accepted' | 'duplicate' | 'rejected'
    readonly id?: string
    readonly error?: { readonly code: string; readonly retryable?: boolean }
  }[]
}

const [, , path = '', run = '0', traffic = '{}'] = argv
const { batchMax = 32, pauseMs = 10, letterEvery = 0 }: CallerTraffic = JSON.parse(traffic)
const log = openSync(path, 'a')
const intakes = new Map<string, string>()
let stopping = false
let ops = Number(run) * OPS_MAX
let ids = 0
let turns = 0
let acknowledged = 0

const instructions = createInterface({ input: stdin })
instructions.on('line', (line) => {
  const [verb, name = '', url = ''] = line.split(' ')
  if (verb === 'intake') intakes.set(name, url)
  if (verb === 'gone') intakes.delete(name)
  if (verb === 'stop') stopping = true
})
// Whoever gave them is gone.
instructions.on('close', () => {
  if (!stopping) exit(1)
})
await Promise.all(Array.from({ length: CALLERS }, call))
closeSync(log)
// Whoever started it may still hold the other end.
stdin.destroy()

async function call(): Promise<void> {
  while (!stopping) {
    let commands = newCommands()
    while (commands.length > 0) {
      const url = nextIntake()
      if (url !== null) commands = await submit(commands, url)
      await sleep(pauseMs)
    }
  }
}

function newCommands(): readonly Command[] {
  ids += 1
  const size = 1 + (ids % batchMax)
  const commands: Command[] = Array.from({ length: size }, (_, n) => ({
    type: n % 2 === 0 ? 'order' : 'click',
    payload: { id: `${run}-${ids}-${n}` },
  }))
  if (letterEvery > 0 && ids % letterEvery === 0) commands.push(newLetter())
  return commands
}

function newLetter(): Command {
  const fate = FATES[(ids / letterEvery) % FATES.length] ?? 'issued'
  return { type: 'letter', payload: { id: `${run}-${ids}-letter`, fate } }
}

function nextIntake(): string | null {
  const urls = [...intakes.values()]
  turns += 1
  return urls[turns % urls.length] ?? null
}

/** Returns what is to be sent again. */
async function submit(commands: readonly Command[], url: string): Promise<readonly Command[]> {
  const first = ops
  ops += commands.length
  for (const [n, command] of commands.entries()) record(submitted(first + n, command))
  const items = (await post(commands, url))?.items
  const answers = commands.map((_, n) => answered(first + n, items?.[n]))
  for (const answer of answers) record(answer)
  fdatasyncSync(log)
  acknowledged += answers.filter(({ answer }) => answer === 'accepted' || answer === 'duplicate').length
  stdout.write(`acknowledged ${acknowledged}\n`)
  return commands.filter(({ type }, n) => type !== 'click' && answers[n]?.answer === 'unknown')
}

async function post(commands: readonly Command[], url: string): Promise<BulkAnswer | null> {
  try {
    const response = await fetch(`${url}/v1/commands:bulk`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(commands),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    return response.status === 202 || response.status === 207 ? ((await response.json()) as BulkAnswer) : null
  } catch {
    return null
  }
}

function submitted(op: number, { type, payload }: Command): Submitted {
  const key = type === 'click' ? null : payload.id
  const what = { type, payload: JSON.stringify(payload), key, windowMs: DAY_MS, runAt: null }
  return { kind: 'submitted', at: Date.now(), op, ...what }
}

/** A rejection that may be tried again leaves open what became of the command, like no answer at all. */
function answered(op: number, item: BulkAnswer['items'][number] | undefined): Answered {
  const { status = 'rejected', id = null, error = null } = item ?? {}
  const isUnknown = item === undefined || (error !== null && DOUBTS.includes(error.code))
  const code = isUnknown ? null : (error?.code ?? null)
  return { kind: 'answered', at: Date.now(), op, answer: isUnknown ? 'unknown' : status, id, code }
}

function record(event: Submitted | Answered): void {
  writeSync(log, `${JSON.stringify(event)}\n`)
}
