// The counterpart of letters: a service outside the system under test, which nobody kills, with a log on disk of what it did. It is
// synced before anything is answered. Started by tests through jiti with the path of its log; says on its standard output where it
// listens. Lines on its standard input name intakes, like those of the callers.
//
// A letter says itself what is to befall it. Issuing is unique by the command's id, so that the log has a letter twice only if two
// commands asked for it.

import { fdatasyncSync, openSync, writeSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { argv, exit, stdin, stdout } from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CounterpartEvent, LetterRequest } from './counterpart.js'

const ANSWERS_AFTER_MS = 50
const COMPLETIONS_TRIED_MAX = 40
const COMPLETION_PAUSE_MS = 100
const COMPLETION_TIMEOUT_MS = 2_000

const [, , path = ''] = argv
const log = openSync(path, 'a')
const issued = new Set<string>()
const undone = new Set<string>()
const asked = new Set<string>()
const intakes = new Map<string, string>()
let turns = 0

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy())
})
server.listen(0, '127.0.0.1', () => {
  stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
const instructions = createInterface({ input: stdin })
instructions.on('line', (line) => {
  const [verb, name = '', url = ''] = line.split(' ')
  if (verb === 'intake') intakes.set(name, url)
  if (verb === 'gone') intakes.delete(name)
})
// Whoever gave them is gone.
instructions.on('close', () => exit(0))

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, what, id = ''] = (request.url ?? '').split('/')
  const body = await textOf(request)
  if (what === 'issue') issueLetter(JSON.parse(body), request, response)
  else if (what === 'undo') {
    if (!undone.has(id)) record({ kind: 'undone', id })
    undone.add(id)
    response.writeHead(204).end()
  } else if (what === 'told') {
    record({ kind: 'told', callback: String(request.headers['webhook-id']), body })
    response.writeHead(204).end()
  } else response.writeHead(issued.has(id) ? 200 : 404).end()
}

function issueLetter(letter: LetterRequest, request: IncomingMessage, response: ServerResponse): void {
  const { id, fate } = letter
  record({ kind: 'asked', id })
  const isFirst = !asked.has(id)
  asked.add(id)
  if (fate === 'refused') response.writeHead(409).end()
  else if (fate === 'busy' && isFirst) response.writeHead(503).end()
  else if (fate === 'later' && !issued.has(id)) {
    response.writeHead(202).end()
    void completeLater(letter)
  } else {
    issue(letter)
    // Done, but nobody is told.
    if (fate === 'unheard' && isFirst) request.socket.resetAndDestroy()
    else response.writeHead(200).end()
  }
}

function issue({ id, payload }: LetterRequest): void {
  if (!issued.has(id)) record({ kind: 'issued', id, payload })
  issued.add(id)
}

/** Gives up when nobody knows the token any more: then it is the command's turn to ask. */
async function completeLater(letter: LetterRequest): Promise<void> {
  await sleep(ANSWERS_AFTER_MS)
  issue(letter)
  for (let tried = 0; tried < COMPLETIONS_TRIED_MAX; tried += 1) {
    const urls = [...intakes.values()]
    turns += 1
    const url = urls[turns % urls.length]
    const isTold = url !== undefined && (await complete(url, letter.token))
    if (isTold) return
    await sleep(COMPLETION_PAUSE_MS)
  }
}

async function complete(url: string, token: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, outcome: { outcome: 'ok' } }),
      signal: AbortSignal.timeout(COMPLETION_TIMEOUT_MS),
    })
    if (response.ok) record({ kind: 'completed' })
    return response.ok
  } catch {
    return false
  }
}

function record(event: CounterpartEvent): void {
  writeSync(log, `${JSON.stringify(event)}\n`)
  fdatasyncSync(log)
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  return text
}
