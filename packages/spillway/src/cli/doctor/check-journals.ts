// The spools of the configuration: whether commands can be written there, whether somebody ships them, and what nobody took.

import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { listRefused, namedSpools } from '../../agent/index.js'
import type { JournalSpec, ResolvedQueue } from '../../config/index.js'
import { inspectJournal, type JournalReport, nodeFiles, nodeProcesses } from '../../journal/index.js'
import { type Finding, failure, fine, warning } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import { byteSize } from '../byte-size.js'

/** What waits longer is not on its way. */
const OLDEST_AGE_WARN_MS = 60_000
/** Room beyond what has to stay free that lasts for a while. */
const SPARE_BYTES_WARN = 1024 * 1024 * 1024

export async function checkJournals(queues: Iterable<ResolvedQueue>): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [spool, spec] of spoolSpecs(queues)) {
    const rights = checkRights(spool)
    findings.push(rights, checkLevel(spool, spec))
    if (rights.level === 'fail') continue
    findings.push(await checkRoom(spool, spec))
    findings.push(...(existsSync(spool) ? await checkContents(spool) : [notShipped(spool)]))
  }
  return findings
}

/** Queues of one folder agree in everything but what goes where. */
function spoolSpecs(queues: Iterable<ResolvedQueue>): ReadonlyMap<string, JournalSpec> {
  const specs = new Map<string, JournalSpec>()
  for (const queue of queues) {
    const [spool] = namedSpools([queue])
    if (spool !== undefined && queue.channel.kind === 'journal') specs.set(spool, queue.channel)
  }
  return specs
}

function checkRights(spool: string): Finding {
  const folder = nearestFolder(spool)
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    return failure('journal', `${folder} cannot be written`, 'Give this user the right to read and write it.')
  }
  return fine('journal', folder === spool ? spool : `${spool} is made when it is written first`)
}

function checkLevel(spool: string, { level }: JournalSpec): Finding {
  if (level === 'synced') return fine('journal level', 'synced: a receipt survives a power cut')
  return warning(
    'journal level',
    `written: a power cut may take the last receipts of ${spool}`,
    "Leave it out, or set it to 'synced', unless that is meant.",
  )
}

async function checkRoom(spool: string, { minFreeBytes }: JournalSpec): Promise<Finding> {
  const free = await nodeFiles.freeBytes(nearestFolder(spool))
  const detail = `${byteSize(free)} free, of which ${byteSize(minFreeBytes)} stay free (minFreeBytes)`
  if (free <= minFreeBytes)
    return failure('journal disk', detail, 'Make room: a journal without room refuses every command.')
  return free < minFreeBytes + SPARE_BYTES_WARN
    ? warning('journal disk', detail, 'Make room before it is needed.')
    : fine('journal disk', detail)
}

async function checkContents(spool: string): Promise<Finding[]> {
  const report = await inspectJournal({
    ...{ files: nodeFiles, processes: nodeProcesses, clock: systemClock, spool },
  })
  const refused = await listRefused(nodeFiles, spool)
  return [checkAgent(report), checkBacklog(report), checkKept(report, refused.length)]
}

function checkAgent({ spool, agent }: JournalReport): Finding {
  if (agent === null) return notShipped(spool)
  return fine('journal agent', `process ${agent.pid} ships ${spool}`)
}

function notShipped(spool: string): Finding {
  return warning(
    'journal agent',
    `nobody ships ${spool}`,
    'Run beside the processes that accept: spillway agent',
  )
}

function checkBacklog({ spool, writers }: JournalReport): Finding {
  const bytes = writers.reduce((sum, { backlogBytes }) => sum + backlogBytes, 0)
  if (bytes === 0) return fine('journal backlog', 'nothing waits to be shipped')
  const times = writers.flatMap(({ oldestAt }) => (oldestAt === null ? [] : [oldestAt]))
  const ageMs = Math.max(0, systemClock.now() - Math.min(...times, systemClock.now()))
  const detail = `${byteSize(bytes)} wait to be shipped, the oldest for ${Math.round(ageMs / 1_000)} s`
  if (ageMs < OLDEST_AGE_WARN_MS) return fine('journal backlog', detail)
  return warning('journal backlog', detail, `See whom it waits for: spillway journal inspect ${spool}`)
}

function checkKept({ spool, quarantined }: JournalReport, refused: number): Finding {
  if (quarantined.length === 0 && refused === 0) return fine('journal aside', 'nothing was put aside')
  return warning(
    'journal aside',
    `${refused} frames that nobody took, ${quarantined.length} segments that could not be read`,
    `Look at them: spillway journal inspect ${spool}`,
  )
}

/** A spool is only made when it is written first. */
function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder))
}
