import { describe, expect, it, onTestFinished } from 'vitest'
import { requireServer, sharedMariaDb, sharedPostgres } from '../src/index.js'
import { askSharedHost, SharedHost } from '../src/shared-host.js'
import { session } from './sessions.js'

/** Whoever asks first waits until it has started. */
const START_TIMEOUT_MS = 90_000

const ENGINES = [
  { kind: 'postgres', shared: sharedPostgres },
  { kind: 'mariadb', shared: sharedMariaDb },
] as const

for (const { kind, shared } of ENGINES) {
  requireServer(describe, kind)(`the shared ${kind} server`, () => {
    it('is one, however often it is asked for', { timeout: START_TIMEOUT_MS }, async () => {
      const [first, second] = await Promise.all([shared(), shared()])
      expect(first.url).toBe(second.url)
    })

    it('makes databases', async () => {
      const database = await (await shared()).createDatabase()
      expect(await (await session(database.url)).query('select 1 as one')).toEqual([{ one: 1 }])
      await database.drop()
      await expect(session(database.url)).rejects.toThrow(database.name)
    })
  })
}

requireServer(describe, 'postgres', { isPrivate: true })('the host of shared servers', () => {
  it('starts a server once for everybody who asks at the same time, and stops it at the end', {
    timeout: START_TIMEOUT_MS,
  }, async () => {
    const host = await SharedHost.open()
    const urls = await Promise.all([1, 2, 3].map(() => askSharedHost(host.socketPath, 'postgres')))
    expect(new Set(urls).size).toBe(1)
    const [url = ''] = urls
    await session(url)
    await host.close()
    await expect(session(url)).rejects.toThrow('ECONNREFUSED')
  })

  it('says so when it has no such server', async () => {
    const host = await SharedHost.open()
    onTestFinished(() => host.close())
    await expect(askSharedHost(host.socketPath, 'toaster' as 'postgres')).rejects.toThrow('no kind of server')
  })
})
