// Many commands of one type at once: one verdict per command, in order, and a bad one is refused alone, or all of them are
// stored in one commit or none is.

import { SpillwayError } from '../errors/index.js'
import type { OfferVerdict, PreparedCommand } from '../ports/index.js'
import type { CommandLike, Lane, Prepared, Reception, SubmitVerdict } from './reception.js'
import { submitVerdict } from './reception.js'
import { type EachOptions, NO_OPTIONS } from './submit-options.js'
import { offerWithin } from './submit-within.js'

/** Commands prepared and offered in one go; between two slices everybody else gets a turn. */
const SLICE_COMMANDS = 1_000
/** Commands of one atomic submit, which are one transaction of the store. */
export const ATOMIC_COMMANDS_MAX = 10_000

export interface ManyOptions {
  /** All are stored or none. */
  atomic?: boolean
  /** Your own open transaction on the store's database, for all of them: see SubmitOptions. The call rejects when it cannot be used. */
  tx?: object | undefined
  /** Options of the command at this place. */
  each?: (index: number) => EachOptions
}

export async function submitMany(
  reception: Reception,
  command: CommandLike,
  payloads: readonly unknown[],
  options: ManyOptions,
): Promise<SubmitVerdict[]> {
  const lane = reception.laneOf(command)
  if (!Array.isArray(payloads))
    throw new SpillwayError(
      'invalid_argument',
      'payloads must be an array; use submitStream for an iterable.',
      { details: { option: 'payloads' } },
    )
  const offerAll =
    options.atomic === true ? offerAtomic : options.tx === undefined ? offerSliced : offerSlicedWithin
  const verdicts = await offerAll(reception, lane, payloads, options)
  return verdicts.map((verdict) => submitVerdict(lane, verdict))
}

async function offerSliced(
  reception: Reception,
  lane: Lane,
  payloads: readonly unknown[],
  options: ManyOptions,
): Promise<OfferVerdict[]> {
  const startedAt = reception.clock.monotonic()
  const verdicts: OfferVerdict[] = new Array(payloads.length)
  let open = payloads.length
  let finish = (): void => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  for (let start = 0; start < payloads.length; start += SLICE_COMMANDS) {
    if (start > 0) await new Promise<void>((resolve) => reception.clock.defer(resolve))
    const prepared = await prepareAll(
      reception,
      lane,
      payloads.slice(start, start + SLICE_COMMANDS),
      start,
      options,
    )
    for (const [offset, command] of prepared.entries()) {
      reception.offer(lane, command, startedAt, (verdict) => {
        verdicts[start + offset] = verdict
        open -= 1
        if (open === 0) finish()
      })
    }
  }
  if (open > 0) await finished
  return verdicts
}

/** One slice after the other, because they share one connection. */
async function offerSlicedWithin(
  reception: Reception,
  lane: Lane,
  payloads: readonly unknown[],
  options: ManyOptions,
): Promise<OfferVerdict[]> {
  const within = { tx: options.tx, atomic: false }
  const verdicts: OfferVerdict[] = []
  for (let start = 0; start < payloads.length; start += SLICE_COMMANDS) {
    const startedAt = reception.clock.monotonic()
    const slice = payloads.slice(start, start + SLICE_COMMANDS)
    const prepared = await prepareAll(reception, lane, slice, start, options)
    const answers = (
      await offerWithin(reception, lane, prepared.filter(isCommand), within, startedAt)
    ).values()
    for (const command of prepared) {
      if (isCommand(command)) verdicts.push(answers.next().value as OfferVerdict)
      else verdicts.push(refuse(reception, lane, command, startedAt))
    }
  }
  return verdicts
}

async function offerAtomic(
  reception: Reception,
  lane: Lane,
  payloads: readonly unknown[],
  options: ManyOptions,
): Promise<readonly OfferVerdict[]> {
  if (payloads.length > ATOMIC_COMMANDS_MAX) {
    throw new SpillwayError(
      'invalid_argument',
      `An atomic submit takes at most ${ATOMIC_COMMANDS_MAX} commands; submit without atomic, or in parts.`,
      { details: { commandsMax: ATOMIC_COMMANDS_MAX } },
    )
  }
  const startedAt = reception.clock.monotonic()
  const prepared = await prepareAll(reception, lane, payloads, 0, options)
  if (prepared.every(isCommand) && options.tx !== undefined)
    return offerWithin(reception, lane, prepared, { tx: options.tx, atomic: true }, startedAt)
  const verdicts = prepared.every(isCommand) ? await lane.channel.offerAll(prepared) : refuseAll(prepared)
  for (const verdict of verdicts) reception.count(lane, verdict.status, startedAt)
  return verdicts
}

/** Waits for asynchronous schemas only, all of them at once, so that the order of the commands is kept. */
async function prepareAll(
  reception: Reception,
  lane: Lane,
  payloads: readonly unknown[],
  start: number,
  options: ManyOptions,
): Promise<readonly Prepared[]> {
  const { each } = options
  const prepared = payloads.map((payload, offset) =>
    reception.prepare(lane, payload, () => each?.(start + offset) ?? NO_OPTIONS),
  )
  return prepared.some((command) => command instanceof Promise)
    ? Promise.all(prepared)
    : (prepared as Prepared[])
}

function refuse(reception: Reception, lane: Lane, error: SpillwayError, startedAt: number): OfferVerdict {
  reception.count(lane, 'rejected', startedAt)
  return { status: 'rejected', error }
}

function refuseAll(prepared: readonly Prepared[]): OfferVerdict[] {
  const index = prepared.findIndex((command) => !isCommand(command))
  const error = new SpillwayError(
    'invalid_argument',
    `Not stored: command ${index} of this atomic submit was refused.`,
    { details: { atomic: true, index } },
  )
  return prepared.map((command) => ({ status: 'rejected', error: isCommand(command) ? error : command }))
}

function isCommand(prepared: Prepared): prepared is PreparedCommand {
  return !(prepared instanceof SpillwayError)
}
