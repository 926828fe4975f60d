// How a command that could not do its work ends: a message on standard error that says what to do, and the exit code that goes
// with it. Errors are told apart by their code and not by their class, because a configuration may load its own copy of Spillway.

import { ERROR_MESSAGE_MAX } from '../domain/index.js'
import { ERROR_CODES, type ErrorCode, type SpillwayError } from '../errors/index.js'
import { safeText } from '../telemetry/error-fields.js'
import { EXIT, EXIT_OF_ERROR, type ExitCode } from './exit-codes.js'
import { Interrupted } from './interruption.js'
import { jsonLine, printable, printableLines } from './printable.js'
import { writeFacts } from './table.js'
import type { Output } from './terminal.js'

export function writeFailure(output: Output, error: unknown, json: boolean): ExitCode {
  if (error instanceof Interrupted) {
    output.line(json ? jsonLine({ error: { code: 'interrupted', message: error.message } }) : error.message)
    return EXIT.interrupted
  }
  if (!isCodedError(error)) return writeUnexpected(output, error, json)
  const { code, details } = error
  if (json) output.line(jsonLine({ error: { code, message: shown(error), details } }))
  else writeCoded(output, error)
  return EXIT_OF_ERROR[code]
}

export function isCodedError(error: unknown): error is SpillwayError {
  return (
    error instanceof Error &&
    error.name === 'SpillwayError' &&
    'code' in error &&
    Object.hasOwn(ERROR_CODES, String(error.code))
  )
}

function writeCoded(output: Output, error: SpillwayError): void {
  output.line(`${output.paint('red', label(error.code))}: ${printableLines(shown(error))}`)
  const mistake = configMistake(error)
  if (mistake.length > 0) writeFacts(output, mistake)
  const issues = issuesOf(error)
  // The message names the first one.
  if (issues.length > 1) for (const issue of issues) output.line(`  ${printable(issue)}`)
}

function label(code: ErrorCode): string {
  return code === 'invalid_argument' ? 'usage' : 'error'
}

/** Where a configuration is wrong, as `configError` says it. */
function configMistake({ code, details }: SpillwayError): (readonly [string, string])[] {
  if (code !== 'invalid_config' || typeof details?.expected !== 'string') return []
  return ['file', 'path', 'expected', 'received'].flatMap((name) => {
    const value = details?.[name]
    return typeof value === 'string' ? [[`  ${name}`, safeText(value, ERROR_MESSAGE_MAX)] as const] : []
  })
}

/** What is wrong with a payload, as intake and HTTP report it. */
function issuesOf({ details }: SpillwayError): string[] {
  const issues = details?.issues
  if (!Array.isArray(issues)) return []
  return issues.map((issue: { pointer?: unknown; message?: unknown }) => {
    const where = typeof issue.pointer === 'string' && issue.pointer !== '' ? issue.pointer : 'payload'
    return `${where}: ${String(issue.message)}`
  })
}

function writeUnexpected(output: Output, error: unknown, json: boolean): ExitCode {
  const message = shown(error)
  if (json) output.line(jsonLine({ error: { code: 'internal', message } }))
  else {
    output.line(`${output.paint('red', 'error')}: ${printableLines(message)}`)
    // The command line did not expect this: whoever reports it needs to know where it came from.
    const frames =
      error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : []
    for (const frame of frames.slice(0, 5)) output.line(output.paint('dim', printable(frame)))
  }
  return EXIT.failed
}

/** A configuration may throw anything, connection strings included. */
function shown(error: unknown): string {
  return safeText(error instanceof Error ? error.message : String(error), ERROR_MESSAGE_MAX)
}
