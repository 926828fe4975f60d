import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { nodeProcesses } from './index.js'

async function child(): Promise<ChildProcess & { pid: number }> {
  const started = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: 'pipe' })
  await once(started, 'spawn')
  return started as ChildProcess & { pid: number }
}

// Elsewhere nothing can be told about processes, and that is what is answered.
describe.skipIf(process.platform !== 'linux')('the processes of this machine', () => {
  it('are alive while they run and dead afterwards', async () => {
    const self = await nodeProcesses.self()
    expect(self.pid).toBe(process.pid)
    expect(await nodeProcesses.state(self)).toBe('alive')
    const other = await child()
    const mark = { ...self, pid: other.pid }
    // Another process: it started at another time.
    expect(await nodeProcesses.state(mark)).toBe('dead')
    other.kill('SIGKILL')
    await once(other, 'exit')
    expect(await nodeProcesses.state(mark)).toBe('dead')
  })

  it('of another machine, of before its start, or of another container are unknown', async () => {
    const self = await nodeProcesses.self()
    expect(await nodeProcesses.state({ ...self, bootId: 'another' })).toBe('unknown')
    expect(await nodeProcesses.state({ ...self, pidNamespace: 'another' })).toBe('unknown')
    expect(await nodeProcesses.state({ ...self, startedTick: null })).toBe('unknown')
    expect(await nodeProcesses.state({ ...self, startedTick: '1' })).toBe('dead')
  })
})
