// From a delivery to what it says: a chunk in its envelope, a command as a CloudEvent, or plain JSON. Whatever it is, it is checked here,
// before it meets what others sent: a message that nobody can read must not stay in anybody's way.

import type { ResolvedQueue } from '../../config/index.js'
import {
  CHUNK_BYTES_MAX,
  type ChunkDraft,
  type CloudEvent,
  decodeEnvelope,
  ENVELOPE_CONTENT_TYPE,
  ERROR_MESSAGE_MAX,
  eventChunk,
  eventPriority,
  fingerprint,
  KEY_LENGTH_MAX,
  NAME_LENGTH_MAX,
  readCloudEvent,
  readJson,
} from '../../domain/index.js'
import { isSpillwayError } from '../../errors/index.js'
import type { Delivery, PreparedCommand } from '../../ports/index.js'
import { isPromise } from '../promise.js'
import type { ForeignCommands } from './foreign-commands.js'
import { Message } from './message.js'

/** A message, or why it is none. */
export type Reading = Message | { readonly reason: string }

export interface DeliveryReaderOptions {
  readonly queue: Pick<ResolvedQueue, 'name' | 'commands'>
  /** Absent = only chunks are taken. */
  readonly foreign?: ForeignCommands | undefined
}

export class DeliveryReader {
  readonly #options: DeliveryReaderOptions

  constructor(options: DeliveryReaderOptions) {
    this.#options = options
  }

  /** A promise only where a schema is asynchronous. Neither throws nor rejects. */
  read(delivery: Delivery): Reading | Promise<Reading> {
    try {
      if (delivery.contentType === ENVELOPE_CONTENT_TYPE) return this.#chunk(decodeEnvelope(delivery.body))
      const event = readCloudEvent(delivery)
      if (event === null) return settled(this.#plain(delivery))
      const draft = eventChunk(event)
      return draft === null ? settled(this.#event(event)) : this.#chunk(draft)
    } catch (error) {
      return refusal(error)
    }
  }

  #chunk(draft: ChunkDraft): Message {
    const { name } = this.#options.queue
    if (draft.queue !== name)
      throw new SyntaxError(`it is for queue ${draft.queue} and came by queue ${name}: publish it there`)
    if (draft.body.length > CHUNK_BYTES_MAX)
      throw new SyntaxError(`its body is longer than a chunk may be (${CHUNK_BYTES_MAX} bytes)`)
    return new Message({ kind: 'chunk', draft }, draft.id)
  }

  #event(event: CloudEvent): Reading | Promise<Reading> {
    const { idempotencykey } = event.attributes
    if (idempotencykey !== undefined && typeof idempotencykey !== 'string')
      throw new SyntaxError('the event has no valid attribute idempotencykey')
    return this.#command(event.type, event.data, {
      origin: `${event.source} ${event.id}`,
      priority: eventPriority(event.attributes),
      key: idempotencykey ?? null,
    })
  }

  #plain({ id, body }: Delivery): Reading | Promise<Reading> {
    const { name, commands } = this.#options.queue
    const [only, ...others] = commands
    if (only === undefined || others.length > 0)
      throw new SyntaxError(
        `it is neither a chunk nor a CloudEvent, and queue ${name} has ${commands.length} command types: only an event says which one it is`,
      )
    return this.#command(only.name, readJson(body), { origin: id, priority: null, key: null })
  }

  #command(type: string, payload: unknown, { origin, priority, key }: Sender): Reading | Promise<Reading> {
    const { queue, foreign } = this.#options
    const definition = queue.commands.find(({ name }) => name === type)
    if (foreign === undefined)
      throw new SyntaxError('it is no chunk, and this worker takes no other messages')
    if (definition === undefined)
      throw new SyntaxError(
        `it is of a type that queue ${queue.name} does not have: ${type.slice(0, NAME_LENGTH_MAX)}`,
      )
    // What the producer says comes first; then what the type calls the same command; then what the message calls the same message.
    const byMessage = definition.idempotencyKey === null && origin !== null ? keyOf(origin) : null
    const chosen = key ?? byMessage
    const prepared = foreign.prepare(type, payload, {
      ...(chosen === null ? {} : { key: chosen }),
      ...(priority === null ? {} : { priority }),
    })
    return isPromise(prepared)
      ? prepared.then((command) => messageOf(command, origin))
      : messageOf(prepared, origin)
  }
}

/** What a message says about itself besides its payload. `origin`: what the sender calls it, if anything. */
interface Sender {
  readonly origin: string | null
  readonly priority: number | null
  readonly key: string | null
}

function messageOf(command: PreparedCommand, origin: string | null): Message {
  const identity =
    origin === null ? null : `${origin} ${command.key?.fingerprint ?? fingerprint(command.json)}`
  return new Message({ kind: 'command', command }, identity)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** Readable where it can be a key as it is. */
function keyOf(origin: string): string {
  const fits = origin.length <= KEY_LENGTH_MAX && !CONTROL_CHARACTERS.test(origin)
  return fits ? origin : `sha256:${fingerprint(origin)}`
}

function settled(reading: Reading | Promise<Reading>): Reading | Promise<Reading> {
  return isPromise(reading) ? reading.catch(refusal) : reading
}

/** Errors of Spillway's own quote no payloads; a parser's might. */
function refusal(error: unknown): Reading {
  const isOwn = isSpillwayError(error) || (error instanceof SyntaxError && OWN_WORDS.test(error.message))
  return { reason: isOwn ? error.message.slice(0, ERROR_MESSAGE_MAX) : 'it cannot be read' }
}

const OWN_WORDS = /^(it|its|the envelope|the event|the message) /
