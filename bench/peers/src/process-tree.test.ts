import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { parseStat, treeCpuSeconds } from './process-tree.js'

const stat = (name: string) =>
  `42 (${name}) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 30 5 20 0 1 0 1 2 3 4 5 6 7 8 9`

describe('a line of /proc/<pid>/stat', () => {
  it.each(['postgres', 'a b', 'x) R 1 (y', '((', ') S 9 '])('is read whatever the name (%s) is', (name) => {
    expect(parseStat(stat(name))).toEqual({ parent: 7, ticks: 155 })
  })
})

// Elsewhere than on Linux there is no /proc to read.
describe.skipIf(process.platform !== 'linux')('the CPU time of a tree', () => {
  it('has that of children that have ended', () => {
    const before = treeCpuSeconds(process.pid)
    const busy = 'const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end);'
    expect(spawnSync(process.execPath, ['-e', busy]).status).toBe(0)
    expect(treeCpuSeconds(process.pid) - before).toBeGreaterThanOrEqual(0.28)
  })

  it('is nothing for a process that does not exist', () => {
    expect(treeCpuSeconds(2 ** 30)).toBe(0)
  })
})
