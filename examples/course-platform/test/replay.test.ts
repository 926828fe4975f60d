import { expect, test } from 'vitest'
import { progressLine } from '../src/progress.js'
import { readClicks } from '../src/real-clicks.js'
import { type Answer, replay, retriesOf, withRetries } from '../src/replay.js'

const clicks = readClicks(1_000)

test('every click is sent once, by so many callers at a time', async () => {
  const sent: string[] = []
  let open = 0
  let most = 0
  const report = await replay(clicks, { callers: 8 }, async (click) => {
    sent.push(click.id)
    most = Math.max(most, ++open)
    await Promise.resolve()
    open -= 1
    return 'accepted'
  })
  expect(sent).toEqual(clicks.map((click) => click.id))
  expect(most).toBe(8)
  expect(report).toMatchObject({ sent: 1_000, accepted: 1_000, duplicates: 0 })
})

test('duplicates are told apart from accepted clicks', async () => {
  const seen = new Set<string>()
  const send = async ({ id }: { id: string }): Promise<Answer> => {
    if (seen.has(id)) return 'duplicate'
    seen.add(id)
    return 'accepted'
  }
  const report = await replay(withRetries(clicks), { callers: 4 }, send)
  expect(report).toMatchObject({ sent: 1_010, accepted: 1_000, duplicates: 10 })
})

test('a replay that is out of time sends nothing more', async () => {
  const report = await replay(clicks, { callers: 4, forMs: 0 }, () => Promise.reject(new Error('sent')))
  expect(report).toMatchObject({ sent: 0, accepted: 0 })
})

test('a click that is refused ends the replay with its error', async () => {
  await expect(replay(clicks, { callers: 4 }, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
})

test('one click of a hundred is sent again', () => {
  expect(retriesOf(clicks)).toHaveLength(10)
  expect(withRetries(clicks)).toHaveLength(1_010)
})

test('progress shows a bar, the counts and the rate', () => {
  expect(progressLine('replay', 500, 1_000, 0.5)).toBe(
    'replay                 ████████████░░░░░░░░░░░░ 500 of 1,000, 1,000/s',
  )
})
