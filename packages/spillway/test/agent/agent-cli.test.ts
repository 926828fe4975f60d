// The agent as its users start it: a process that ships a spool to the store, has it for itself, and says how it is.

import { readdirSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sqlite } from '../../src/stores/sqlite/index.js'
import { PROCESSES_MS_MAX } from '../cli/program.js'
import { newJournalProject, openJournal, range, spillway, until, write } from './journal-kit.js'

async function openStore(database: string) {
  const store = sqlite(database)
  await store.schema.migrate()
  await store.open()
  onTestFinished(() => store.close())
  return store
}
const urlIn = async (program: ReturnType<typeof spillway>): Promise<string> =>
  (await program.says(/"url":"(http:[^"]+)"/))[1] as string

describe('spillway agent', { timeout: PROCESSES_MS_MAX }, () => {
  it('ships to the store, shows what it does, and leaves on SIGTERM with nothing lost', async () => {
    const project = newJournalProject()
    const store = await openStore(project.database)
    const journal = await openJournal(project.spool)
    await write(journal, range(0, 50), { size: 3 })
    const agent = spillway(project, 'agent', '--metrics-port', '0')
    const url = await urlIn(agent)
    await until(async () => expect((await store.reader.accounting()).accepted).toBe(150))
    await until(async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text()
      expect(metrics).toContain(
        `spillway_agent_commands_total{spool="${project.spool}",outcome="shipped"} 150`,
      )
      expect(metrics).toContain(`spillway_agent_backlog_bytes{spool="${project.spool}"} 0`)
    })
    expect(await (await fetch(`${url}/livez`)).text()).toBe('live\n')
    const ready = await fetch(`${url}/readyz?verbose`)
    expect([ready.status, await ready.json()]).toEqual([
      200,
      {
        status: 'ready',
        checks: [
          { name: `spool ${project.spool}`, ok: true, detail: '1 writer, 0 bytes behind, 0 s' },
          { name: 'store', ok: true, detail: 'takes frames' },
        ],
      },
    ])
    await until(async () => expect(await store.nodes.list()).toHaveLength(1))
    const { rows } = await spillway(project, 'nodes', '--json').ended
    expect(rows).toMatchObject([{ pid: agent.process.pid, roles: ['agent'], alive: true }])
    const { code, stderr } = await agent.signal('SIGTERM').ended
    expect(code).toBe(0)
    expect(stderr).toContain('stopping')
    expect(await store.nodes.list()).toEqual([])
  })

  it('has its spool for itself: a second one says who has it and exits with 5, or waits and takes over', async () => {
    const project = newJournalProject()
    const store = await openStore(project.database)
    const journal = await openJournal(project.spool)
    const first = spillway(project, 'agent')
    await first.says(/"msg":"started"/)
    const refused = await spillway(project, 'agent').ended
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining(String(first.process.pid))])
    expect(refused.stderr).toContain('--wait')
    expect(refused.stderr).not.toContain('fault')
    const second = spillway(project, 'agent', '--wait')
    await second.says(/waiting for/)
    first.process.kill('SIGKILL')
    await first.ended
    await write(journal, [1])
    await until(async () => expect((await store.reader.accounting()).accepted).toBe(1))
  })

  it('starts while its store cannot be used, is not ready, and ships once it can', async () => {
    const project = newJournalProject()
    const journal = await openJournal(project.spool)
    await write(journal, range(0, 5))
    const agent = spillway(project, 'agent', '--metrics-port', '0')
    const url = await urlIn(agent)
    const down = await fetch(`${url}/readyz?verbose`)
    expect([down.status, await down.json()]).toMatchObject([
      503,
      { status: 'not_ready', checks: [{ ok: true }, { name: 'store', ok: false }] },
    ])
    await agent.says(/store_incompatible/)
    const store = await openStore(project.database)
    await until(async () => expect((await store.reader.accounting()).accepted).toBe(5))
    await agent.says(/store takes frames again/)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })

  it('ships the folders it is told, each once, and removes what writers left', async () => {
    const project = newJournalProject()
    const store = await openStore(project.database)
    const spools = ['one', 'two'].map((name) => `${project.folder}/${name}`)
    for (const [which, spool] of spools.entries()) {
      const journal = await openJournal(spool)
      await write(journal, range(which * 10, which * 10 + 5))
      await journal.close()
    }
    spillway(project, 'agent', '--spool', './one', '--spool', './two', '--spool', './one/')
    await until(async () => expect((await store.reader.accounting()).accepted).toBe(10))
    for (const spool of spools)
      await until(() => expect(readdirSync(spool).filter((name) => /^[0-9a-f]{32}/.test(name))).toEqual([]))
  })

  it('says so when there is nothing to ship', async () => {
    const { code, stderr } = await spillway(newJournalProject("main: { channel: 'store' }"), 'agent').ended
    expect([code, stderr]).toEqual([3, expect.stringContaining("journal('./spool')")])
  })
})
