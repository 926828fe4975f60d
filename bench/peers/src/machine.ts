// What the figures were measured on. No host name and no path: the description goes into reports.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg, totalmem } from 'node:os'
import pg from 'pg'
import { median } from 'spillway-bench/median'
import type { Bed } from './bed.js'
import { POSTGRES_INSERT_ONE, POSTGRES_TABLE, valuesOf } from './tables.js'
import { makeEvents } from './watch-events.js'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly node: string
  readonly postgres: string
  readonly packages: Readonly<Record<string, string>>
  /** Median time of a lone INSERT with its commit. */
  readonly commitMs: number
  /** When it began, over the last minute: what else the machine was doing. */
  readonly load: number
  /** Whether the servers' files are in memory: then no commit costs what it should. */
  readonly isInMemory: boolean
}

const PACKAGES = ['bullmq', 'ioredis', 'pg-boss', 'graphile-worker', 'pg', 'mysql2'] as const
const COMMITS = 200

export async function describeMachine(bed: Bed): Promise<Machine> {
  const load = loadavg()[0] ?? 0
  const server = await bed.postgres()
  const database = await server.createDatabase()
  const { version, commitMs } = await measureCommits(database.url)
  await database.drop()
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.versions.node,
    postgres: version,
    packages: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
    commitMs,
    load,
    isInMemory: bed.isInMemory(server),
  }
}

export function machineText(machine: Machine): string {
  const { cpu, cores, memoryGb, node, postgres, packages, commitMs, load, isInMemory } = machine
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  const lines = [
    `Machine: ${cpu}, ${cores} cores, ${memoryGb} GB, Node ${node}, PostgreSQL ${postgres}, one commit ${commitMs.toFixed(2)} ms, load ${load.toFixed(1)} at the start`,
    `Packages: ${versions.join(', ')}`,
  ]
  if (isInMemory) lines.push("The servers' files are in memory: set TMPDIR to a folder on a disk.")
  return lines.join('\n')
}

async function measureCommits(url: string): Promise<{ version: string; commitMs: number }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(POSTGRES_TABLE)
  const durationsMs: number[] = []
  for (const event of makeEvents(0, COMMITS)) {
    const startedAt = performance.now()
    await client.query({ name: 'insert_one', text: POSTGRES_INSERT_ONE, values: valuesOf(event) })
    durationsMs.push(performance.now() - startedAt)
  }
  const { rows } = await client.query('SHOW server_version')
  await client.end()
  return { version: String(rows[0].server_version).split(' ')[0] ?? '', commitMs: median(durationsMs) }
}

/** Not every package exports its package.json, so the file is found beside its entry. */
function versionOf(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name)
  const folder = entry.slice(0, entry.lastIndexOf(`/node_modules/${name}/`) + `/node_modules/${name}/`.length)
  return (JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as { version: string }).version
}
