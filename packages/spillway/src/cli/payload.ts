// Payloads from the command line: JSON text, @file, or - for standard input.

import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { COMMAND_BYTES_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { usageError } from './usage-error.js'

export async function readPayload(argument: string | undefined, cwd: string): Promise<unknown> {
  if (argument === undefined) return {}
  if (argument === '-') return parseJson(await readStandardInput(), 'standard input')
  if (argument.startsWith('@')) return parseJson(readFile(resolve(cwd, argument.slice(1))), argument.slice(1))
  return parseJson(argument, 'the payload')
}

/** The payload itself is not repeated: it may be secret, and the parser's message would quote it. */
function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw usageError(
      `${source === 'the payload' ? 'The payload' : `What ${source} holds`} is not valid JSON. ` +
        `In a shell, put it in single quotes: '{"id":1}'; or pass @file, or - for standard input.`,
    )
  }
}

function readFile(path: string): string {
  let bytes: number
  try {
    bytes = statSync(path).size
  } catch {
    throw usageError(`The file ${path} cannot be read. Check the path behind the @.`)
  }
  if (bytes > COMMAND_BYTES_MAX) throw tooLarge()
  return readFileSync(path, 'utf8')
}

async function readStandardInput(): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of process.stdin) {
    parts.push(part as Buffer)
    bytes += (part as Buffer).length
    if (bytes > COMMAND_BYTES_MAX) throw tooLarge()
  }
  return Buffer.concat(parts).toString('utf8')
}

function tooLarge(): SpillwayError {
  return new SpillwayError(
    'payload_too_large',
    `A payload may have at most ${COMMAND_BYTES_MAX} bytes. For many commands use --bulk.`,
  )
}
