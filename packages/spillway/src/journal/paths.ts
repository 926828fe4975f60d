// Names in a spool: a folder per writer, in it numbered segments, the writer's mark and the reader's checkpoint.

import { join } from 'node:path'

const WRITER = /^([0-9a-f]{32})(\.retired)?$/
const SEGMENT = /^([0-9]{8,15})\.(seg|damaged)$/
const RETIRED = '.retired'

export interface WriterName {
  readonly writerId: string
  /** Taken for dead: its end is being read. */
  readonly isRetired: boolean
}

export function parseWriterName(name: string): WriterName | null {
  const match = WRITER.exec(name)
  if (match === null) return null
  return { writerId: match[1] as string, isRetired: match[2] !== undefined }
}

export function retiredFolder(folder: string): string {
  return `${folder}${RETIRED}`
}

export function segmentPath(folder: string, segment: number): string {
  return join(folder, `${padded(segment)}.seg`)
}

/** Its presence says that something in the segment could not be read. */
export function damagedPath(folder: string, segment: number): string {
  return join(folder, `${padded(segment)}.damaged`)
}

export function segmentNumbers(names: readonly string[], kind: 'seg' | 'damaged' = 'seg'): number[] {
  const numbers: number[] = []
  for (const name of names) {
    const match = SEGMENT.exec(name)
    if (match !== null && match[2] === kind) numbers.push(Number(match[1]))
  }
  return numbers.sort((a, b) => a - b)
}

export function markPath(folder: string): string {
  return join(folder, 'writer.json')
}

export function checkpointPath(folder: string): string {
  return join(folder, 'checkpoint')
}

export function quarantineFolder(spool: string): string {
  return join(spool, 'quarantine')
}

const QUARANTINED = /^([0-9a-f]{32})-([0-9]{8,15})\.seg$/

export function quarantinedPath(spool: string, writerId: string, segment: number): string {
  return join(quarantineFolder(spool), `${writerId}-${padded(segment)}.seg`)
}

export function parseQuarantinedName(name: string): { writerId: string; segment: number } | null {
  const match = QUARANTINED.exec(name)
  return match === null ? null : { writerId: match[1] as string, segment: Number(match[2]) }
}

export function ballastPath(spool: string): string {
  return join(spool, 'ballast')
}

const LOCK = /^agent-([0-9]{8,15})\.lock$/

export function lockPath(spool: string, number: number): string {
  return join(spool, `agent-${padded(number)}.lock`)
}

export function lockNumbers(names: readonly string[]): number[] {
  const numbers = names.map((name) => LOCK.exec(name)?.[1]).filter((digits) => digits !== undefined)
  return numbers.map(Number).sort((a, b) => a - b)
}

function padded(segment: number): string {
  return String(segment).padStart(8, '0')
}
