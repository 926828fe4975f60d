import { existsSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type MariaDbServer,
  type PostgresServer,
  requireServer,
  startMariaDb,
  startPostgres,
} from '../src/index.js'
import { childrenOf, isRunning } from '../src/process-tree.js'
import { session } from './sessions.js'

/** Far longer than anything takes but a hang. */
const PATIENCE_MS = 20_000
const SMALL_DISK_TIMEOUT_MS = 120_000

const ENGINES = [
  {
    kind: 'postgres',
    start: startPostgres,
    setting: { name: 'work_mem', value: '7MB', ask: 'show work_mem', answer: [{ work_mem: '7MB' }] },
  },
  {
    kind: 'mariadb',
    start: startMariaDb,
    setting: {
      ...{ name: 'max-heap-table-size', value: '1048576', ask: 'select @@max_heap_table_size as size' },
      answer: [{ size: 1_048_576 }],
    },
  },
] as const

for (const { kind, start, setting } of ENGINES) {
  requireServer(describe, kind, { isPrivate: true })(`a private ${kind} server`, () => {
    let server: PostgresServer | MariaDbServer
    beforeAll(async () => {
      server = await start({ fsync: false, settings: { [setting.name]: setting.value } })
    })
    afterAll(() => server.stop())

    it('makes databases that share nothing, and drops them under open connections', async () => {
      const first = await server.createDatabase()
      const second = await server.createDatabase('named_by_the_test')
      const inFirst = await session(first.url)
      await inFirst.query('create table notes (text varchar(20))')
      const inSecond = await session(second.url)
      await expect(inSecond.query('select * from notes')).rejects.toThrow(/notes/)
      await first.drop()
      await expect(session(first.url)).rejects.toThrow(first.name)
      await second.drop()
    })

    it('takes settings', async () => {
      expect(await (await session(server.url)).query(setting.ask)).toEqual(setting.answer)
    })

    it('runs as an ordinary user and listens on the loopback interface alone', async () => {
      const uid = /^Uid:\s*(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]
      expect(Number(uid)).toBeGreaterThan(0)
      for (const address of outerAddresses()) {
        const outside = new URL(server.url)
        outside.hostname = address
        await expect(session(outside.href)).rejects.toThrow('ECONNREFUSED')
      }
    })

    it('keeps what was committed over a kill and an orderly restart', async () => {
      const { name, url, drop } = await server.createDatabase()
      const before = await session(url)
      await before.query('create table facts (n int)')
      await before.query('insert into facts values (1)')
      const { pid } = server
      await server.kill()
      expect(isRunning(pid)).toBe(false)
      await expect(session(url)).rejects.toThrow('ECONNREFUSED')
      await server.restart()
      await (await session(url)).query('insert into facts values (2)')
      await server.restart()
      const rows = await (await session(url)).query('select n from facts order by n')
      expect({ name, rows }).toEqual({ name: new URL(url).pathname.slice(1), rows: [{ n: 1 }, { n: 2 }] })
      await drop()
    })

    it('answers nothing while paused, and everything after', async () => {
      const open = await session(server.url)
      server.pause()
      const answer = open.query('select 1 as one')
      expect(await processStates(server.pid)).toEqual(['T'])
      server.resume()
      expect(await answer).toEqual([{ one: 1 }])
    })

    it('tells what it logged', () => {
      expect(server.log()).toMatch(/ready (to accept|for) connections/)
    })

    it('says with its log why it did not start, and leaves nothing behind', async () => {
      const failure = await start({ fsync: false, settings: { nosuchsetting: 'x' } }).catch(String)
      expect(failure).toMatch(/ended while starting; its log:[\s\S]*nosuchsetting/)
    })

    it('does not start on a port that is taken', async () => {
      const failure = await start({ fsync: false, port: server.port }).catch(String)
      expect(failure).toMatch(/ended while starting; its log:[\s\S]*[Aa]ddress already in use/)
    })

    it('is gone with its files once stopped', async () => {
      const other = await start({ fsync: false })
      await session(other.url)
      await other.stop()
      expect({ running: isRunning(other.pid), files: existsSync(other.folder) }).toEqual({
        ...{ running: false, files: false },
      })
    })
  })
}

for (const { kind, start } of ENGINES) {
  requireServer(describe, kind, { isPrivate: true, smallDisk: true })(`a small disk of ${kind}`, () => {
    it('fills up, leaves the server running, and takes more once something is gone', {
      timeout: SMALL_DISK_TIMEOUT_MS,
    }, async () => {
      await using server = await start({ fsync: false, smallDiskBytes: 24 * 1024 * 1024 })
      const { url } = await server.createSmallDatabase()
      const { query } = await session(url)
      await query('create table ballast (text varchar(1500))')
      const fill = "insert into ballast values (repeat('x', 1500))"
      await query(fill)
      let refusal = ''
      for (let rows = 1; refusal === '' && rows < 30_000; rows *= 2) {
        refusal = await query('insert into ballast select text from ballast').then(() => '', String)
      }
      expect(refusal).toMatch(/No space left on device|is full/)
      await query('drop table ballast')
      await query('create table ballast (text varchar(1500))')
      await query(fill)
      expect(await query('select text from ballast')).toHaveLength(1)
    })
  })
}

function outerAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
}

/** The distinct states of the server's processes, once the kernel has stopped them all: T is stopped. One that had ended before stays a zombie. */
async function processStates(server: number): Promise<readonly string[]> {
  const stateOf = (pid: number): string =>
    /^State:\s*(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'gone'
  const states = (): string[] => [
    ...new Set([server, ...childrenOf(server)].map(stateOf).filter((state) => state !== 'Z')),
  ]
  await vi.waitFor(() => expect(states()).toHaveLength(1), PATIENCE_MS)
  return states()
}
