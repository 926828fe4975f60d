// Shared values: of all that write one key, each time one wins, and nobody mistakes what was written since for what it read.

import { SHARED_BYTES_MAX } from '../../../domain/index.js'
import type { SharedValue, SharedWrite } from '../../../ports/index.js'
import { rejectionOf } from '../rejection.js'
import { DAY_MS, type Scene } from '../scene.js'
import { needsReopen, type Suite, type Theme } from '../suite.js'

const TTL_MS = 60_000

function writing(key: string, value: string | null, version = 0): SharedWrite {
  return { key, value, version, ttlMs: TTL_MS }
}

async function write(scene: Scene, key: string, value: string | null, version = 0): Promise<'ok' | 'stale'> {
  return (await scene.store.shared.write([writing(key, value, version)]))[0] as 'ok' | 'stale'
}

async function read(scene: Scene, key: string): Promise<SharedValue | null> {
  return (await scene.store.shared.read([key])).values[0] ?? null
}

async function versionOf(scene: Scene, key: string): Promise<number> {
  const value = await read(scene, key)
  scene.expect(value, key).not.toBe(null)
  return value?.version ?? 0
}

export const sharedValuesTheme: Theme = {
  name: 'shared values',
  define(suite) {
    keeping(suite)
    comparing(suite)
    forgetting(suite)
    listing(suite)
  },
}

function keeping({ test }: Suite): void {
  test('reads what was written, in the order asked, with the time of the store', async (scene) => {
    const { expect, store } = scene
    const values = ['{"a":"ü \\u0000 😀"}', 'null', '[1, 2]']
    expect(await store.shared.write(values.map((value, at) => writing(`key/${at}`, value)))).toEqual([
      'ok',
      'ok',
      'ok',
    ])
    const snapshot = await store.shared.read(['key/2', 'key/none', 'key/0', 'key/1', 'key/2'])
    expect(snapshot.now).toBe(scene.now())
    expect(snapshot.values.map((one) => one?.value ?? null)).toEqual([
      values[2],
      null,
      values[0],
      values[1],
      values[2],
    ])
    expect(await store.shared.read([])).toEqual({ values: [], now: scene.now() })
    expect(await store.shared.write([])).toEqual([])
  })

  test('takes any text for a key', async (scene) => {
    const { expect } = scene
    const keys = ['a', 'A', 'a ', 'a%', 'a_', "a'", 'ä', 'a\\', `a${'x'.repeat(150)}`]
    for (const [at, key] of keys.entries()) expect(await write(scene, key, String(at))).toBe('ok')
    const { values } = await scene.store.shared.read(keys)
    expect(values.map((one) => one?.value)).toEqual(keys.map((_, at) => String(at)))
  })

  test('keeps values up to their limit and refuses larger ones', async (scene) => {
    const { expect, store } = scene
    const largest = JSON.stringify('x'.repeat(SHARED_BYTES_MAX - 2))
    expect(await write(scene, 'large', largest)).toBe('ok')
    expect((await read(scene, 'large'))?.value === largest).toBe(true)
    const larger = JSON.stringify('ü'.repeat(SHARED_BYTES_MAX / 2))
    const refused = rejectionOf(store.shared.write([writing('small', '1'), writing('larger', larger)]))
    expect(await refused).toMatchObject({ code: 'invalid_argument' })
    expect((await store.shared.read(['small', 'larger'])).values).toEqual([null, null])
  })
}

function comparing({ test }: Suite): void {
  test('writes over the version that was read and over no other', async (scene) => {
    const { expect } = scene
    expect(await write(scene, 'key', '1')).toBe('ok')
    const first = await versionOf(scene, 'key')
    expect(first).toBeGreaterThan(0)
    for (const wrong of [0, first - 1, first + 1]) expect(await write(scene, 'key', '9', wrong)).toBe('stale')
    expect(await write(scene, 'key', '2', first)).toBe('ok')
    const second = await versionOf(scene, 'key')
    expect(second).toBeGreaterThan(first)
    expect(await write(scene, 'key', '3', first)).toBe('stale')
    expect(await read(scene, 'key')).toEqual({ value: '2', version: second })
  })

  test('judges every write of a list by itself', async (scene) => {
    const { expect, store } = scene
    await write(scene, 'a', '1')
    const version = await versionOf(scene, 'a')
    const writes = [
      writing('a', '2', version),
      writing('b', '1'),
      writing('c', '1', 7),
      writing('a', '3', version),
    ]
    expect(await store.shared.write(writes)).toEqual(['ok', 'ok', 'stale', 'stale'])
    const { values } = await store.shared.read(['a', 'b', 'c'])
    expect(values.map((one) => one?.value ?? null)).toEqual(['2', '1', null])
  })

  test('lets one of many that write at once win', async (scene) => {
    const { expect, store } = scene
    for (let round = 0; round < 3; round += 1) {
      const version = (await read(scene, 'key'))?.version ?? 0
      const writers = Array.from({ length: 5 }, (_, n) =>
        store.shared.write([writing('key', `"${n}"`, version)]),
      )
      const verdicts = (await Promise.all(writers)).flat()
      expect([...verdicts].sort()).toEqual(['ok', 'stale', 'stale', 'stale', 'stale'])
      expect((await read(scene, 'key'))?.value).toBe(`"${verdicts.indexOf('ok')}"`)
    }
  })

  test(
    'lets one of two processes win',
    async (scene) => {
      const { expect, subject } = scene
      const other = await subject.reopen?.()
      const verdicts = await Promise.all([
        write(scene, 'key', '1'),
        other?.shared.write([writing('key', '2')]),
      ])
      expect(verdicts.flat().sort()).toEqual(['ok', 'stale'])
      expect((await other?.shared.read(['key']))?.values).toEqual([await read(scene, 'key')])
    },
    needsReopen,
  )
}

function forgetting({ test }: Suite): void {
  test('forgets a value some time after its last write', async (scene) => {
    const { expect } = scene
    await write(scene, 'key', '1')
    await scene.advance(TTL_MS - 1_000)
    await write(scene, 'key', '2', await versionOf(scene, 'key'))
    await scene.advance(TTL_MS - 1_000)
    const { version } = (await read(scene, 'key')) ?? { version: 0 }
    expect(version).toBeGreaterThan(0)
    await scene.advance(1_001)
    expect(await read(scene, 'key')).toBe(null)
    expect(await write(scene, 'key', '3', version), 'the version of what is forgotten').toBe('stale')
    expect(await write(scene, 'key', '3')).toBe('ok')
    expect(await versionOf(scene, 'key')).toBeGreaterThan(version)
  })

  test('removes a value for whoever read it last', async (scene) => {
    const { expect } = scene
    await write(scene, 'key', '1')
    const version = await versionOf(scene, 'key')
    expect(await write(scene, 'key', null, version + 1)).toBe('stale')
    expect(await write(scene, 'key', null, version)).toBe('ok')
    expect(await read(scene, 'key')).toBe(null)
    expect(await write(scene, 'key', '2', version)).toBe('stale')
    expect(await write(scene, 'key', '2')).toBe('ok')
    expect(await versionOf(scene, 'key')).toBeGreaterThan(version)
  })

  test('never gives a key a version again, whatever was removed or pruned in between', async (scene) => {
    const { expect } = scene
    let last = 0
    for (let round = 0; round < 6; round += 1) {
      expect(await write(scene, 'key', String(round))).toBe('ok')
      const version = await versionOf(scene, 'key')
      expect(version).toBeGreaterThan(last)
      last = version
      if (round % 2 === 0) expect(await write(scene, 'key', null, version)).toBe('ok')
      await scene.advance(round < 4 ? TTL_MS + 1 : 365 * DAY_MS)
      if (round > 1) await scene.prune()
    }
  })

  test('prunes what is forgotten and nothing else', async (scene) => {
    const { expect, store } = scene
    await store.shared.write([writing('old', '1'), { ...writing('young', '1'), ttlMs: 10 * DAY_MS }])
    await scene.advance(5 * DAY_MS)
    await scene.prune()
    expect((await store.shared.read(['old', 'young'])).values.map((one) => one?.value)).toEqual([
      undefined,
      '1',
    ])
    expect(await store.shared.keys('', 10)).toEqual(['young'])
  })
}

function listing({ test }: Suite): void {
  test('lists the keys that begin alike, in order, page by page', async (scene) => {
    const { expect, store } = scene
    const keys = ['p%/a', 'p%/B', 'p%/b', 'p%/a/1', 'px/a', 'p', 'P%/a', 'p%', 'q']
    await store.shared.write(keys.map((key) => writing(key, '1')))
    const among = ['p%/B', 'p%/a', 'p%/a/1', 'p%/b']
    expect(await store.shared.keys('p%/', 10)).toEqual(among)
    expect(await store.shared.keys('p%/', 3)).toEqual(among.slice(0, 3))
    expect(await store.shared.keys('p%/', 3, 'p%/a/1')).toEqual(among.slice(3))
    expect(await store.shared.keys('p%/', 3, 'p%/b')).toEqual([])
    expect(await store.shared.keys('nothing', 3)).toEqual([])
    expect(await store.shared.keys('p%', 2)).toEqual(['p%', 'p%/B'])
  })

  test('does not list what was removed or forgotten', async (scene) => {
    const { expect, store } = scene
    await store.shared.write([
      writing('k/1', '1'),
      writing('k/2', '1'),
      { ...writing('k/3', '1'), ttlMs: DAY_MS },
    ])
    await write(scene, 'k/1', null, await versionOf(scene, 'k/1'))
    expect(await store.shared.keys('k/', 10)).toEqual(['k/2', 'k/3'])
    await scene.advance(TTL_MS + 1)
    expect(await store.shared.keys('k/', 10)).toEqual(['k/3'])
  })
}
