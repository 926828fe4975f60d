import { beforeEach, describe, expect, it } from 'vitest'
import type { ProcessMark } from '../ports/index.js'
import { CrashDisk, FakeProcesses } from '../testing/crash-files/index.js'
import { seededRandom } from '../testing/seeded-random.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { lockSpool, type SpoolLock, type SpoolLockVerdict } from './index.js'

let clock: VirtualClock
let disk: CrashDisk
let processes: FakeProcesses

beforeEach(async () => {
  clock = new VirtualClock()
  processes = new FakeProcesses()
  disk = new CrashDisk({ random: seededRandom(1), now: () => clock.now(), turnsMax: 3 })
  await disk.makeFolder('/var')
})

function lock(pid: number): Promise<SpoolLockVerdict> {
  return lockSpool({ files: disk, processes: processes.seenFrom(pid), clock, spool: '/var/spool' })
}

function held(verdict: SpoolLockVerdict): SpoolLock {
  if (verdict.status !== 'locked') throw new Error('the lock is held by somebody else')
  return verdict.lock
}

function holder(verdict: SpoolLockVerdict): ProcessMark | null {
  if (verdict.status !== 'held') throw new Error('the lock was free')
  return verdict.by
}

describe('the lock of a spool', () => {
  it('is held by one process at a time, and says by which', async () => {
    const [one, two] = [processes.start(), processes.start()]
    const first = held(await lock(one))
    expect(holder(await lock(two))?.pid).toBe(one)
    await first.release()
    await held(await lock(two)).release()
    expect(await disk.list('/var/spool')).toEqual([])
  })

  it('is free once its process is dead, however it died', async () => {
    const [one, two] = [processes.start(), processes.start()]
    held(await lock(one))
    processes.set(one, 'dead')
    held(await lock(two))
    expect(await disk.list('/var/spool')).toEqual(['agent-00000002.lock'])
  })

  it('of a process that cannot be seen is believed as long as that says so', async () => {
    const [one, two] = [processes.start(), processes.start()]
    const first = held(await lock(one))
    processes.set(one, 'unknown')
    await clock.advance(3_600_000)
    expect(holder(await lock(two))?.pid).toBe(one)
    await first.release()
  })

  it('is taken over from a silent process, which notices when it wakes up', async () => {
    const [one, two] = [processes.start(), processes.start()]
    const first = held(await lock(one))
    processes.set(one, 'unknown')
    // Its heartbeats do not come for a while: as if it had been stopped.
    const touch = disk.touch.bind(disk)
    disk.touch = () => Promise.resolve()
    await clock.advance(61_000)
    disk.touch = touch
    expect(first.lost.aborted).toBe(false)
    held(await lock(two))
    await clock.advance(5_000)
    expect(first.lost.aborted).toBe(true)
    await first.release()
    expect(holder(await lock(processes.start()))?.pid).toBe(two)
  })

  it('that is just being taken, or was left half written, is believed for a while', async () => {
    await held(await lock(processes.start())).release()
    await (await disk.open('/var/spool/agent-00000001.lock', 'create')).close()
    expect(holder(await lock(processes.start()))).toBeNull()
    await clock.advance(61_000)
    held(await lock(processes.start()))
  })

  it('has one holder at most, whoever comes at the same time', async () => {
    for (let round = 0; round < 100; round += 1) {
      const verdicts = await Promise.all([1, 2, 3].map(() => lock(processes.start())))
      const holders = verdicts.filter(({ status }) => status === 'locked')
      expect(holders.length).toBeLessThanOrEqual(1)
      for (const verdict of holders) await held(verdict).release()
    }
  })

  it('says what is wrong with a folder that cannot be locked', async () => {
    await (await disk.open('/var/spool', 'create')).close()
    await expect(lock(processes.start())).rejects.toMatchObject({
      code: 'journal_failed',
      message: expect.stringContaining('/var/spool'),
    })
  })
})
