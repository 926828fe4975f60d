// Checking a payload against its command's schema, whichever library made it (Standard Schema 1). The error names the path of
// every fault, as segments and as a JSON Pointer (RFC 6901), and never the payload.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { ERROR_MESSAGE_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'

/** Faults of one payload that are reported; a payload with more is not explained better by a longer list. */
const ISSUES_MAX = 20
/** Segments of one path, and characters of one segment: keys of a payload are the sender's to choose. */
const PATH_SEGMENTS_MAX = 32
const SEGMENT_LENGTH_MAX = 100

export interface PayloadIssue {
  readonly path: readonly (string | number)[]
  readonly pointer: string
  readonly message: string
}

/** The schema's output. A promise only when the schema is asynchronous. Throws or rejects with `invalid_payload`. */
export function validatePayload(type: string, schema: StandardSchemaV1, payload: unknown): unknown {
  const result = guarded(type, () => schema['~standard'].validate(payload))
  if (result instanceof Promise)
    return result.then(
      (late) => outputOf(type, late),
      (cause: unknown) => Promise.reject(schemaThrew(type, cause)),
    )
  return outputOf(type, result)
}

export function invalidPayload(
  type: string,
  issues: readonly PayloadIssue[],
  cause?: unknown,
): SpillwayError {
  const [first] = issues
  const where = first === undefined || first.pointer === '' ? '' : ` at ${first.pointer}`
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  const message = `The payload of ${type} is not valid${where}: ${first?.message ?? 'it was refused'}${more}`
  return new SpillwayError('invalid_payload', message.slice(0, ERROR_MESSAGE_MAX), {
    details: { type, issues },
    cause,
  })
}

function guarded<T>(type: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw schemaThrew(type, cause)
  }
}

function schemaThrew(type: string, cause: unknown): SpillwayError {
  return invalidPayload(
    type,
    [{ path: [], pointer: '', message: 'the schema threw instead of answering' }],
    cause,
  )
}

function outputOf(type: string, result: StandardSchemaV1.Result<unknown>): unknown {
  if (result.issues === undefined || result.issues === null) return result.value
  throw invalidPayload(type, result.issues.slice(0, ISSUES_MAX).map(issueOf))
}

function issueOf(issue: StandardSchemaV1.Issue): PayloadIssue {
  const path = (issue.path ?? []).slice(0, PATH_SEGMENTS_MAX).map(segmentOf)
  return { path, pointer: pointerOf(path), message: String(issue.message).slice(0, ERROR_MESSAGE_MAX) }
}

function segmentOf(segment: PropertyKey | StandardSchemaV1.PathSegment): string | number {
  const key = typeof segment === 'object' ? segment.key : segment
  return typeof key === 'number' ? key : String(key).slice(0, SEGMENT_LENGTH_MAX)
}

function pointerOf(path: readonly (string | number)[]): string {
  return path.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
