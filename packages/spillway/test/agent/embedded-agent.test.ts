// A server that ships its own journals: `spillway dev` by itself, `spillway start` when it is told to.

import { describe, expect, it, onTestFinished } from 'vitest'
import { sqlite } from '../../src/stores/sqlite/index.js'
import { PROCESSES_MS_MAX, type Program } from '../cli/program.js'
import { openClicks } from './clicks.js'
import { newJournalProject, spillway, until } from './journal-kit.js'

async function scene() {
  const project = newJournalProject()
  await sqlite(project.database).schema.migrate()
  const clicks = openClicks(project.database)
  onTestFinished(() => clicks.close())
  return { project, clicks }
}
const CLICK = ['click.record', '{"n":1,"index":0}'] as const
const urlOf = async (program: Program): Promise<string> =>
  (await program.says(/(http:\/\/127\.0\.0\.1:\d+)/))[1] as string

describe('a server with journals', { timeout: PROCESSES_MS_MAX }, () => {
  it('executes what it was sent, under spillway dev, with nothing else running', async () => {
    const { project, clicks } = await scene()
    const dev = spillway(project, 'dev', '--port', '0')
    const url = await urlOf(dev)
    const sent = await spillway(project, 'send', ...CLICK, '--wait', '30s', '--url', url, '--json').ended
    expect([sent.code, sent.json.state]).toEqual([0, 'succeeded'])
    // The journal of another process, in the same spool.
    const own = await spillway(project, 'send', ...CLICK, '--wait', '30s', '--json').ended
    expect([own.code, own.json.state]).toEqual([0, 'succeeded'])
    expect(clicks.count()).toBe(2)
    // A command has ended before the agent hears that its frame has arrived.
    await until(async () =>
      expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
        /spillway_agent_commands_total\{spool="[^"]+",outcome="shipped"\} 2/,
      ),
    )
    expect((await dev.signal('SIGTERM').ended).code).toBe(0)
  })

  it('leaves a spool to the agent that has it, says so, and takes over when that one is gone', async () => {
    const { project, clicks } = await scene()
    const agent = spillway(project, 'agent')
    await agent.says(/"msg":"started"/)
    const dev = spillway(project, 'dev', '--port', '0')
    await dev.says(new RegExp(`waiting for .*process ${agent.process.pid}`))
    const url = await urlOf(dev)
    const send = () => spillway(project, 'send', ...CLICK, '--wait', '30s', '--url', url).ended
    expect((await send()).code).toBe(0)
    agent.process.kill('SIGKILL')
    await agent.ended
    expect((await send()).code).toBe(0)
    expect(clicks.count()).toBe(2)
  })

  it('is told under spillway start who ships, and ships itself with --agent', async () => {
    const { project, clicks } = await scene()
    const alone = spillway(project, 'start', '--port', '0')
    await alone.says(/nobody ships this spool yet. Run: spillway agent/)
    const sent = await spillway(project, 'send', ...CLICK, '--url', await urlOf(alone)).ended
    expect(sent.code).toBe(0)
    expect((await alone.signal('SIGTERM').ended).code).toBe(0)
    expect(clicks.count()).toBe(0)
    const shipping = spillway(project, 'start', '--agent', '--port', '0')
    await until(() => expect(clicks.count()).toBe(1))
    const beside = spillway(project, 'start', '--port', '0')
    await beside.says(new RegExp(`process ${shipping.process.pid} ships this spool`))
    const { code, stderr } = await spillway(project, 'start', '--agent', '--roles', 'intake').ended
    expect([code, stderr]).toEqual([2, expect.stringContaining('needs the role worker')])
  })
})
