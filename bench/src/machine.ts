// What the figures were measured on. No host name and no path: the description goes into reports.

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { openDatabase } from './database.js'
import { median } from './median.js'
import type { Scratch } from './scratch.js'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly node: string
  readonly sqlite: string
  readonly system: string
  /** Median time to make 4 KiB durable on the disk that holds the databases. */
  readonly fdatasyncMs: number
}

const SYNCS = 200
const PAGE = Buffer.alloc(4_096, 1)

export function describeMachine(scratch: Scratch): Machine {
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.versions.node,
    sqlite: sqliteVersion(scratch),
    system: `${process.platform} ${process.arch}`,
    fdatasyncMs: fdatasyncMs(scratch.newFile()),
  }
}

export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGb, node, sqlite, system, fdatasyncMs } = machine
  return `${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}, SQLite ${sqlite}, fdatasync ${fdatasyncMs.toFixed(2)} ms`
}

function sqliteVersion(scratch: Scratch): string {
  const database = openDatabase(scratch.newFile())
  const row = database.prepare('SELECT sqlite_version() AS version').get() as { version: string }
  database.close()
  return row.version
}

function fdatasyncMs(file: string): number {
  const fd = openSync(file, 'w')
  const durationsMs = Array.from({ length: SYNCS }, () => {
    writeSync(fd, PAGE)
    const startedAt = performance.now()
    fdatasyncSync(fd)
    return performance.now() - startedAt
  })
  closeSync(fd)
  rmSync(file)
  return median(durationsMs)
}
