// Agent and worker in one process: what a journal holds is executed there, exactly once with `transaction` settlement, however often that
// process is killed.

import { describe, expect, it, onTestFinished } from 'vitest'
import { sqlite } from '../../src/stores/sqlite/index.js'
import { PROCESSES_MS_MAX } from '../cli/program.js'
import { openClicks } from './clicks.js'
import { newJournalProject, openJournal, range, spillway, until, write } from './journal-kit.js'

/** What an agent that was killed had in its hands is executed once its leases have ended. */
const QUEUES = "main: { channel: journal('./spool'), lease: '3s' }"

async function scene() {
  const project = newJournalProject(QUEUES)
  await sqlite(project.database).schema.migrate()
  const clicks = openClicks(project.database)
  onTestFinished(() => clicks.close())
  return { project, clicks, journal: await openJournal(project.spool) }
}

describe('spillway agent --execute', { timeout: PROCESSES_MS_MAX }, () => {
  it('executes what the journal holds, and what comes', async () => {
    const { project, clicks, journal } = await scene()
    await write(journal, range(0, 20), { size: 5 })
    const agent = spillway(project, 'agent', '--execute', '--metrics-port', '0')
    await agent.says(/"msg":"started"/)
    await write(journal, range(20, 30), { size: 5 })
    await until(() => expect(clicks.count()).toBe(150))
    await until(async () => expect((await openReader(project.database)).succeeded).toBe(150))
    expect((await agent.signal('SIGTERM').ended).code).toBe(0)
  })

  it('executes everything once, whenever it is killed', async () => {
    const { project, clicks, journal } = await scene()
    const CHUNKS = 120
    for (const [from, to] of [
      [0, 40],
      [40, 80],
      [80, CHUNKS],
    ] as const) {
      const agent = spillway(project, 'agent', '--execute')
      await agent.says(/"msg":"started"/)
      const before = clicks.count()
      await write(journal, range(from, to), { size: 5 })
      await until(() => expect(clicks.count()).toBeGreaterThan(before))
      agent.process.kill('SIGKILL')
      await agent.ended
    }
    spillway(project, 'agent', '--execute')
    await until(() => expect(clicks.count()).toBe(CHUNKS * 5))
    expect(clicks.doubled()).toBe(0)
  })
})

async function openReader(database: string) {
  const store = sqlite(database)
  await store.open()
  try {
    return await store.reader.accounting()
  } finally {
    await store.close()
  }
}
