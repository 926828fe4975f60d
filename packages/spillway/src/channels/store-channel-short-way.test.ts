import { describe, expect, it } from 'vitest'
import { channelRig, command, watch } from '../../test/support/channel-rig.js'
import { store as storeSpec } from '../config/index.js'
import { type ChunkDraft, commandId } from '../domain/index.js'
import type { SpillwayError } from '../errors/index.js'
import { RESENDS_MAX } from './append-resending.js'

const plain = () => command('plain', { handleBatch: async () => {} })

describe('store channel with a short way', () => {
  /** Takes the types that are named, and says when. */
  const shortWay = (...types: string[]) => ({
    mayDivide: (type: string) => types.includes(type),
    take: async (drafts: readonly ChunkDraft[]) =>
      drafts.map(({ type }) => (types.includes(type) ? 77 : ('left' as const))),
  })

  it('gives receipts of what was stored that way, and appends none of it', async () => {
    const rig = channelRig(storeSpec(), [plain()], { shortWay: shortWay('plain') })
    const answers = watch([rig.submit(1), rig.submit(2)])
    await rig.clock.advance(0)
    expect(answers.values).toMatchObject(Array(2).fill({ status: 'accepted', acceptedAt: 77 }))
    expect(rig.faulting.appendedAt).toEqual([])
    expect(rig.recorded('chunk.committed')).toMatchObject([{ type: 'plain', commands: 2 }])
  })

  it('appends what could not go that way, with the ids it was offered by', async () => {
    const offered: string[] = []
    const take = async (drafts: readonly ChunkDraft[]) => {
      offered.push(...drafts.map(({ id }) => id))
      return drafts.map(() => 'left' as const)
    }
    const rig = channelRig(storeSpec(), [plain()], { shortWay: { take, mayDivide: () => true } })
    const answers = watch([rig.submit(1)])
    await rig.clock.advance(0)
    expect(answers.values[0]?.id).toBe(commandId(offered[0] ?? '', 0))
    expect(await rig.stored(answers.values[0]?.id ?? '')).toMatchObject({ state: 'accepted' })
  })

  it('rejects only what it could not append when a part of a flush was stored', async () => {
    const other = command('other', { handleBatch: async () => {} })
    const rig = channelRig(storeSpec(), [plain(), other], { shortWay: shortWay('plain') })
    rig.faulting.faults.push('refused')
    const answers = watch([rig.submit(1), rig.intake.submit(other, 2), rig.submit(3)])
    await rig.clock.advance(0)
    expect(answers.values.map((receipt) => receipt?.status)).toEqual(['accepted', undefined, 'accepted'])
    expect(answers.errors).toEqual([undefined, 'store_unavailable', undefined])
    expect(rig.recorded('chunk.committed')).toMatchObject([{ type: 'plain', commands: 2 }])
  })

  it('does not tell that a command was refused when the store may have it all the same', async () => {
    const take = async (drafts: readonly ChunkDraft[]) => drafts.map(() => 'doubtful' as const)
    const rig = channelRig(storeSpec(), [plain()], { shortWay: { take, mayDivide: () => true } })
    rig.faulting.faults.push('refused', 'refused')
    const answers = watch([rig.submit(1)])
    await rig.clock.advance(1_000)
    expect(answers.values[0]).toMatchObject({ status: 'accepted' })
    rig.faulting.faults.push(...Array<'refused'>(RESENDS_MAX + 1).fill('refused'))
    const lost = rig.submit(2).catch((error: SpillwayError) => error)
    await rig.clock.advance(60_000)
    expect(await lost).toMatchObject({ code: 'store_unavailable', details: { outcome: 'unknown' } })
  })

  it('never takes submits that are stored together or not at all', async () => {
    let asked = 0
    const take = async (drafts: readonly ChunkDraft[]) => {
      asked += 1
      return drafts.map(() => 77)
    }
    const rig = channelRig(storeSpec(), [plain()], { shortWay: { take, mayDivide: () => true } })
    const answering = rig.intake.submitMany('plain', [1, 2], { atomic: true })
    await rig.clock.advance(0)
    expect(await answering).toMatchObject([{ ok: true }, { ok: true }])
    expect(asked).toBe(0)
  })

  it.each([
    ['in halves when nothing else goes on', true, [64, 64]],
    ['whole while the way is closed', false, [128]],
  ])('keeps what many callers submit at once %s', async (_, isOpen, sizes) => {
    const kept: number[] = []
    const take = async (drafts: readonly ChunkDraft[]) => {
      kept.push(...drafts.map(({ size }) => size))
      return drafts.map(() => 77)
    }
    const rig = channelRig(storeSpec(), [plain()], { shortWay: { take, mayDivide: () => isOpen } })
    const answers = watch(Array.from({ length: 128 }, (_, n) => rig.submit(n)))
    await rig.clock.advance(0)
    expect(kept).toEqual(sizes)
    expect(answers.values.every((receipt) => receipt?.status === 'accepted')).toBe(true)
  })
})
