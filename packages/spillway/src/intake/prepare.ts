// From what a caller hands in to a command that a channel can take: validated, encoded, measured, with its key, partition and
// time. Everything about one command that can be wrong is found here, before it meets the commands of others.

import { type AnyCommand, invalidPayload, isUsableKey, validatePayload } from '../config/index.js'
import {
  COMMAND_BYTES_MAX,
  fingerprint,
  KEY_LENGTH_MAX,
  type KeyDraft,
  TENANT_LENGTH_MAX,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { PreparedCommand } from '../ports/index.js'
import { partitionOf } from './partition.js'
import { checkOptions, type EachOptions, priorityOf, runAtOf } from './submit-options.js'

export interface PrepareContext {
  readonly definition: AnyCommand
  /** Partitions of an ordered queue, else null. */
  readonly partitions: number | null
  readonly now: () => number
}

/** A promise only when the command's schema is asynchronous. Throws or rejects with a SpillwayError that says what is wrong. */
export function prepare(
  context: PrepareContext,
  payload: unknown,
  options: EachOptions,
): PreparedCommand | Promise<PreparedCommand> {
  checkOptions(options)
  const output = validatePayload(context.definition.name, context.definition.input, payload)
  if (output instanceof Promise) return output.then((late) => encode(context, late, options))
  return encode(context, output, options)
}

function encode(
  { definition, partitions, now }: PrepareContext,
  payload: unknown,
  options: EachOptions,
): PreparedCommand {
  const json = jsonOf(definition.name, payload)
  const bytes = Buffer.byteLength(json)
  if (bytes > COMMAND_BYTES_MAX) {
    throw new SpillwayError(
      'payload_too_large',
      `The payload of ${definition.name} has ${bytes} bytes as JSON; at most ${COMMAND_BYTES_MAX} are taken. Store the data elsewhere and submit a reference.`,
      {
        details: { type: definition.name, bytes, bytesMax: COMMAND_BYTES_MAX },
      },
    )
  }
  const command = new Prepared(definition, json, bytes)
  command.key = keyOf(definition, payload, json, options)
  command.priority = priorityOf(options, definition.priority)
  command.partition = partitionFor(definition, payload, partitions)
  command.tenant = tenantOf(definition, payload)
  command.runAt = runAtOf(options, now)
  return command
}

/** A class because of the garbage collector (docs/decisions/0027). */
class Prepared implements PreparedCommand {
  readonly type: string
  readonly queue: string
  readonly json: string
  readonly bytes: number
  key: KeyDraft | null = null
  priority = 0
  partition: number | null = null
  tenant: string | null = null
  runAt: number | null = null

  constructor({ name, queue }: AnyCommand, json: string, bytes: number) {
    this.type = name
    this.queue = queue
    this.json = json
    this.bytes = bytes
  }
}

class Key implements KeyDraft {
  readonly key: string
  readonly fingerprint: string
  readonly windowMs: number

  constructor(key: string, ofPayload: string, windowMs: number) {
    this.key = key
    this.fingerprint = ofPayload
    this.windowMs = windowMs
  }
}

function jsonOf(type: string, payload: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(payload)
  } catch (cause) {
    throw invalidPayload(
      type,
      [{ path: [], pointer: '', message: 'it cannot be written as JSON (a BigInt, a cycle or too deep)' }],
      cause,
    )
  }
  if (json === undefined)
    throw invalidPayload(type, [
      { path: [], pointer: '', message: 'it has no JSON form (undefined, a function or a symbol)' },
    ])
  return json
}

function keyOf(
  definition: AnyCommand,
  payload: unknown,
  json: string,
  options: EachOptions,
): KeyDraft | null {
  const derive = definition.idempotencyKey
  if (options.key === undefined && derive === null) return null
  const key =
    options.key ?? (derive === null ? null : derived(definition.name, 'idempotency', derive, payload))
  if (!isUsableKey(key)) throw unusableKey(definition.name, 'idempotency')
  // With 'effect' the write's own unique key makes repeats harmless, and no key is stored.
  if (definition.deduplicate === 'effect') return null
  return new Key(key, fingerprint(json), definition.idempotencyWindowMs)
}

function partitionFor(definition: AnyCommand, payload: unknown, partitions: number | null): number | null {
  const derive = definition.orderingKey
  if (partitions === null || derive === null) return null
  const key = derived(definition.name, 'ordering', derive, payload)
  if (!isUsableKey(key)) throw unusableKey(definition.name, 'ordering')
  return partitionOf(key, partitions)
}

function derived(
  type: string,
  kind: 'idempotency' | 'ordering',
  derive: (payload: unknown) => unknown,
  payload: unknown,
): unknown {
  try {
    return derive(payload)
  } catch (cause) {
    throw new SpillwayError(
      'invalid_key',
      `The ${kind} key function of ${type} threw; it must return a text for every valid payload.`,
      { details: { type, kind }, cause },
    )
  }
}

function unusableKey(type: string, kind: 'idempotency' | 'ordering'): SpillwayError {
  return new SpillwayError(
    'invalid_key',
    `The ${kind} key of ${type} must be a text of 1 to ${KEY_LENGTH_MAX} characters without control characters.`,
    { details: { type, kind, lengthMax: KEY_LENGTH_MAX } },
  )
}

function tenantOf({ name, tenantKey }: AnyCommand, payload: unknown): string | null {
  if (tenantKey === null) return null
  const tenant = tenantKey(payload)
  if (isUsableKey(tenant) && tenant.length <= TENANT_LENGTH_MAX) return tenant
  throw new SpillwayError(
    'invalid_key',
    `The tenant of ${name} must be a text of 1 to ${TENANT_LENGTH_MAX} printable characters; check its tenantKey.`,
    { details: { type: name } },
  )
}
