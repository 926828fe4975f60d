// Judges what a fresh agent makes of an image: nothing that was owed is missing, nothing is there that nobody submitted, all of it is in
// order, and no damage is claimed or hidden.

import { type Damage, type Frame, listWriters, WriterTail } from '../../journal/index.js'
import type { Files, Random } from '../../ports/index.js'
import { VirtualClock } from '../virtual-clock.js'
import { ALL_DEAD } from './fake-processes.js'
import type { JournalFacts } from './journal-facts.js'
import { SPOOL, type TakenImage } from './journal-life.js'

export interface CheckContext {
  readonly facts: JournalFacts
  readonly level: 'written' | 'synced'
  readonly random: Random
  /** How the image is read. */
  readonly reading: (files: Files) => Files
}

interface Recovered {
  readonly tail: WriterTail
  readonly frames: readonly Frame[]
}

/** The machine was off for a year: 2027-01-01T00:00:00Z. */
const LONG_AFTER = 1_798_761_600_000
/** Answers of `next` per writer at most; more means that it never ends. */
const ANSWERS_MAX = 1_000

/** What is wrong, in words; empty when nothing is. */
export async function checkImage(image: TakenImage, context: CheckContext): Promise<readonly string[]> {
  const files = context.reading(image.disk)
  const damages: Damage[] = []
  const violations: string[] = []
  const recovered: Recovered[] = []
  try {
    for (const { folder } of await listWriters(files, SPOOL))
      recovered.push(await recover(files, folder, damages, context.random))
  } catch (error) {
    return [`recovery refused: ${error}`]
  }
  const orders = new Set<number>()
  for (const { frames } of recovered) violations.push(...checkFrames(frames, context.facts, orders))
  violations.push(...checkOwed(image, context, orders, damages), ...checkDamages(image, context, damages))
  if (context.random() < 0.2) violations.push(...(await checkLeaving(files, recovered)))
  return violations
}

async function recover(files: Files, folder: string, damages: Damage[], random: Random): Promise<Recovered> {
  const frames: Frame[] = []
  const tail = await openTail(files, folder, damages)
  for (let answers = 0; answers < ANSWERS_MAX; answers += 1) {
    const next = await tail.next(Math.floor(random() * 500))
    frames.push(...next.frames)
    if (next.state === 'ended') return { tail, frames }
  }
  throw new Error('reading does not come to an end')
}

function openTail(files: Files, folder: string, damages: Damage[]): Promise<WriterTail> {
  return WriterTail.open({
    files,
    processes: ALL_DEAD,
    clock: new VirtualClock({ startAt: LONG_AFTER }),
    folder,
    onDamage: (damage) => void damages.push(damage),
  })
}

function checkFrames(frames: readonly Frame[], facts: JournalFacts, orders: Set<number>): string[] {
  const violations: string[] = []
  let last = -1
  for (const { payload, count } of frames) {
    const submitted = facts.find(payload)
    if (submitted === undefined || submitted.count !== count) {
      violations.push('a frame was invented')
      continue
    }
    if (submitted.order <= last) violations.push('frames came out of order')
    last = submitted.order
    orders.add(last)
  }
  return violations
}

function checkOwed(
  { kind, flipped, at }: TakenImage,
  { facts, level }: CheckContext,
  orders: ReadonlySet<number>,
  damages: readonly Damage[],
): string[] {
  if (level === 'written' && kind !== 'killed') return []
  const lost = facts.owed(at).filter(({ order }) => !orders.has(order))
  if (lost.length === 0) return []
  if (flipped === null) return [`${lost.length} acknowledged frames are lost (${kind})`]
  if (lost.length > 1) return [`a flipped bit in ${flipped} cost ${lost.length} frames`]
  return damages.some((damage) => damage.kind === 'corrupt') ? [] : [`a frame was lost in silence`]
}

/** Only a power cut leaves holes, and only in what nobody was promised. */
function checkDamages(
  { kind, flipped }: TakenImage,
  { level }: CheckContext,
  damages: readonly Damage[],
): string[] {
  if (flipped !== null || (level === 'written' && kind !== 'killed')) return []
  const isWrong = (damage: Damage): boolean => {
    if (damage.kind === 'torn') return false
    return damage.kind !== 'corrupt' || kind === 'killed'
  }
  return damages.filter(isWrong).map((damage) => `${damage.kind} was claimed (${kind})`)
}

/** Leaving half of it behind and starting anew hands out the other half; leaving all of it leaves nothing. */
async function checkLeaving(files: Files, recovered: readonly Recovered[]): Promise<string[]> {
  for (const { tail, frames } of recovered) {
    const middle = frames[Math.floor(frames.length / 2)]
    if (middle !== undefined) await tail.advance(middle.end)
    const again = await openTail(files, tail.folder, [])
    const rest: Frame[] = []
    for (let next = await again.next(1_000); next.state !== 'ended'; next = await again.next(1_000))
      rest.push(...next.frames)
    if (rest.length !== frames.length - (middle === undefined ? 0 : Math.floor(frames.length / 2) + 1))
      return ['a restarted reader did not resume at the checkpoint']
    const last = rest.at(-1)
    if (last !== undefined) await again.advance(last.end)
    await again.remove()
  }
  const left = await listWriters(files, SPOOL)
  return left.length > 0 ? ['a folder that was left behind is still there'] : []
}
