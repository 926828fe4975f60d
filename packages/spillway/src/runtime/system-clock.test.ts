import { execFile } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from './system-clock.js'

/** A loaded machine needs its time; the timer that must not be waited for is set to ten times that. */
const PROCESS_MS = 60_000

afterEach(() => vi.useRealTimers())

describe('systemClock', () => {
  it('tells the time of day and a time that never goes back', () => {
    vi.useFakeTimers({ now: 1_234 })
    expect(systemClock.now()).toBe(1_234)
    const before = systemClock.monotonic()
    vi.advanceTimersByTime(10)
    expect(systemClock.monotonic() - before).toBe(10)
  })

  it('sleeps as long as asked and leaves no listener on the signal', async () => {
    vi.useFakeTimers()
    const { signal } = new AbortController()
    let awake = false
    const sleeping = systemClock.sleep(50, signal).then(() => {
      awake = true
    })
    await vi.advanceTimersByTimeAsync(49)
    expect(awake).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await sleeping
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('wakes a sleeper when its signal aborts, and at once when it has', async () => {
    vi.useFakeTimers()
    const stop = new AbortController()
    const sleeping = systemClock.sleep(1_000_000, stop.signal)
    stop.abort()
    await sleeping
    await systemClock.sleep(1_000_000, stop.signal)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps delays of more than 31 bits, which Node would fire at once', () => {
    vi.useFakeTimers()
    const monthMs = 30 * 86_400_000
    const run = vi.fn()
    systemClock.schedule(monthMs, run)
    vi.advanceTimersByTime(monthMs - 1)
    expect(run).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(run).toHaveBeenCalledTimes(1)
  })

  it('does not run what was cancelled', () => {
    vi.useFakeTimers()
    const run = vi.fn()
    systemClock.schedule(5, run)()
    vi.advanceTimersByTime(10)
    expect(run).not.toHaveBeenCalled()
  })

  it('keeps a process alive for a sleep but not for a timer', { timeout: 2 * PROCESS_MS }, async () => {
    const url = JSON.stringify(new URL('./system-clock.ts', import.meta.url).href)
    const script = `
      const { createJiti } = await import('jiti')
      const { systemClock } = await createJiti(import.meta.url).import(${url})
      systemClock.schedule(600_000, () => {})
      systemClock.sleep(1).then(() => console.log('slept'))`
    const output = await new Promise<string>((resolve, reject) => {
      execFile(
        process.execPath,
        ['--input-type=module', '-e', script],
        { cwd: import.meta.dirname, timeout: PROCESS_MS },
        (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
      )
    })
    expect(output).toBe('slept\n')
  })
})
