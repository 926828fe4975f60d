// The verbs of operators on commands: cancel, discard, redrive. What follows from them is seen to here: upstream is told of an end
// that a verb brought about, in its own commit, and whoever waits or listens in this process hears of it.

import type { AnyCommand, CallbackState } from '../config/index.js'
import { type ChunkDraft, parseCommandId, VERB_COMMANDS_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { prepare } from '../intake/index.js'
import type { OperationAction } from '../operations/index.js'
import type {
  AuditNote,
  Clock,
  CommandView,
  ControlVerdict,
  SettledEvent,
  SettledListener,
  Store,
  Telemetry,
  TelemetryEvent,
} from '../ports/index.js'
import { auditNote, idsTarget } from './audit-note.js'
import type { CallbackComposer } from './callback-composer.js'
import type { ActionOptions, RedriveRequestOptions } from './operator-api.js'

/** Commands that are read with their payloads at once: a payload may be large. */
const PAYLOADS_READ_MAX = 50

export interface CommandVerbsOptions {
  readonly store: Pick<Store, 'control' | 'reader'>
  readonly definitions: ReadonlyMap<string, AnyCommand>
  /** A command that this process sent on, and that may still be on its way. */
  readonly sent: (id: string) => CommandView | null
  /** Null when nobody is called back. */
  readonly composer: CallbackComposer | null
  readonly listener: SettledListener
  /** Told the chunks of commands that have ended. */
  readonly ended: (chunkIds: readonly string[]) => void
  readonly clock: Pick<Clock, 'now'>
  readonly telemetry: Telemetry
}

type Verdicts = readonly ControlVerdict[]

export class CommandVerbs {
  readonly #options: CommandVerbsOptions

  constructor(options: CommandVerbsOptions) {
    this.#options = options
  }

  async cancel(ids: readonly string[], options?: ActionOptions): Promise<Verdicts> {
    checkIds(ids)
    return this.#end('cancel', ids, auditNote('cancel', idsTarget(ids), options))
  }

  async discard(ids: readonly string[], options?: ActionOptions): Promise<Verdicts> {
    checkIds(ids)
    return this.#end('discard', ids, auditNote('discard', idsTarget(ids), options))
  }

  async redrive(ids: readonly string[], options: RedriveRequestOptions = {}): Promise<Verdicts> {
    checkIds(ids)
    const audit = auditNote('redrive', idsTarget(ids), options)
    const { payloads } = options
    if (payloads === undefined) return this.#options.store.control.redrive(ids, { audit })
    if (!Array.isArray(payloads) || payloads.length !== ids.length)
      throw new SpillwayError('invalid_argument', 'payloads: give one per id, undefined where it stays.')
    const edited = await this.#editedPayloads(ids, payloads)
    return this.#options.store.control.redrive(ids, { audit, payloads: edited })
  }

  /** For an operation, which is audited as a whole. */
  async apply(action: OperationAction, ids: readonly string[]): Promise<Verdicts> {
    return action === 'redrive' ? this.#options.store.control.redrive(ids) : this.#end(action, ids)
  }

  async #end(verb: 'cancel' | 'discard', ids: readonly string[], audit?: AuditNote): Promise<Verdicts> {
    const { control } = this.#options.store
    const appends = await this.#callbacks(ids, 'cancelled')
    const options = { ...(audit === undefined ? {} : { audit }), ...(appends === null ? {} : { appends }) }
    const verdicts = (await control[verb](ids, options)).map((verdict, at) =>
      this.#known(ids[at] ?? '', verdict),
    )
    await this.#tell(
      verb,
      ids.filter((_, at) => verdicts[at] === 'ok'),
    )
    return verdicts
  }

  /** A command that is on its way exists, but cannot be taken back before it has arrived. */
  #known(id: string, verdict: ControlVerdict): ControlVerdict {
    return verdict === 'not_found' && this.#options.sent(id) !== null ? 'conflict' : verdict
  }

  /** What upstream is told if the verb takes effect; null where nobody wants to hear of it. */
  async #callbacks(
    ids: readonly string[],
    state: CallbackState,
  ): Promise<readonly (ChunkDraft | null)[] | null> {
    const { composer, definitions, store } = this.#options
    if (composer === null || !composer.tells(state)) return null
    if (![...definitions.values()].some(({ callback }) => callback !== null)) return null
    const drafts: (ChunkDraft | null)[] = []
    for (let from = 0; from < ids.length; from += PAYLOADS_READ_MAX) {
      const views = await store.reader.get(ids.slice(from, from + PAYLOADS_READ_MAX), { payload: true })
      for (const view of views) drafts.push(view === null ? null : this.#callback(composer, view, state))
    }
    return drafts
  }

  #callback(composer: CallbackComposer, view: CommandView, state: CallbackState): ChunkDraft | null {
    const definition = this.#options.definitions.get(view.type)
    if (definition === undefined || definition.callback === null || view.payload === undefined) return null
    try {
      const payload = JSON.parse(view.payload) as unknown
      const told = composer.compose(definition, { ...view, state, payload, result: null })
      return told === null ? null : composer.draft(told)
    } catch (error) {
      this.#options.telemetry.record({ event: 'fault', where: `callback of ${view.type}`, error })
      return null
    }
  }

  /** The verb has taken effect: a store that fails from here on takes nothing back. */
  async #tell(verb: 'cancel' | 'discard', ids: readonly string[]): Promise<void> {
    const { ended, listener, store, telemetry } = this.#options
    if (ids.length === 0) return
    ended(ids.map((id) => parseCommandId(id)?.chunkId ?? id))
    const found = await store.reader.get(ids).catch((error: unknown) => {
      telemetry.record({ event: 'fault', where: `${verb}: reading what was cancelled`, error })
      return []
    })
    const views = found.flatMap((view) => view ?? [])
    // What is discarded was counted when it died.
    if (verb === 'cancel') for (const view of views) telemetry.record(cancelledCount(view))
    if (listener.listening()) listener.settled(views.map(cancelledEvent))
  }

  async #editedPayloads(
    ids: readonly string[],
    payloads: readonly unknown[],
  ): Promise<readonly (string | null)[]> {
    const edited: (string | null)[] = []
    for (let from = 0; from < ids.length; from += PAYLOADS_READ_MAX) {
      const some = ids.slice(from, from + PAYLOADS_READ_MAX)
      for (const view of await this.#options.store.reader.get(some, { payload: true })) {
        const payload = payloads[edited.length]
        edited.push(payload === undefined || view === null ? null : await this.#edited(view, payload))
      }
    }
    return edited
  }

  /** As a submit would take it; its place in the order of its key is the command's, not the payload's. */
  async #edited({ id, type, payload: before = 'null' }: CommandView, payload: unknown): Promise<string> {
    const { clock, definitions } = this.#options
    const definition = definitions.get(type)
    if (definition === undefined)
      throw new SpillwayError(
        'unsupported',
        `A payload of ${type} cannot be checked here: redrive it in a process that defines this command.`,
        { details: { type } },
      )
    const { json } = await prepare({ definition, partitions: null, now: () => clock.now() }, payload, {})
    if (orderingKeyOf(definition, json) === orderingKeyOf(definition, before)) return json
    throw new SpillwayError(
      'invalid_payload',
      `The edited payload of ${id} has another ordering key: discard the command and submit a new one.`,
      { details: { id, type } },
    )
  }
}

function orderingKeyOf({ orderingKey }: AnyCommand, json: string): string | undefined {
  return orderingKey?.(JSON.parse(json))
}

function cancelledEvent({ id, type, queue, attempts, error }: CommandView): SettledEvent {
  return { id, type, queue, state: 'cancelled', attempts, error }
}

function cancelledCount({ queue, type }: CommandView): TelemetryEvent {
  return { event: 'command.finished', queue, type, outcome: 'cancelled', count: 1, completionMs: null }
}

function checkIds(ids: unknown): asserts ids is readonly string[] {
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string'))
    throw new SpillwayError('invalid_argument', 'ids: give a list of command ids.')
  if (ids.length <= VERB_COMMANDS_MAX) return
  throw new SpillwayError(
    'invalid_argument',
    `ids: at most ${VERB_COMMANDS_MAX} at once; start an operation for more.`,
    { details: { idsMax: VERB_COMMANDS_MAX } },
  )
}
