// The real machine's processes, by what Linux says about them under /proc. Elsewhere nothing can be told about a process that is not this
// one, and who asks has to go by how long it was silent.

import { readFile, readlink } from 'node:fs/promises'
import type { Processes, ProcessMark } from '../ports/index.js'
import { faultCode } from './disk-error.js'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'
/** Of the fields behind the name, which may hold anything: the 22nd of all. */
const STARTED_FIELD = 19

export const nodeProcesses: Processes = {
  async self() {
    const [here, started] = await Promise.all([thisPlace(), startOf(process.pid)])
    return { pid: process.pid, startedTick: started.tick, ...here }
  },
  async state(mark) {
    const { bootId, pidNamespace } = await thisPlace()
    if (bootId === null || pidNamespace === null || mark.startedTick === null) return 'unknown'
    if (bootId !== mark.bootId || pidNamespace !== mark.pidNamespace) return 'unknown'
    const started = await startOf(mark.pid)
    if (started.isHidden) return 'unknown'
    return started.tick === mark.startedTick ? 'alive' : 'dead'
  },
}

async function thisPlace(): Promise<Pick<ProcessMark, 'bootId' | 'pidNamespace'>> {
  const [bootId, pidNamespace] = await Promise.all([
    textOf(readFile(BOOT_ID, 'utf8')),
    textOf(readlink('/proc/self/ns/pid')),
  ])
  return { bootId: bootId.text, pidNamespace: pidNamespace.text }
}

/** No tick when there is no such process, or it is only waiting to be collected. */
async function startOf(pid: number): Promise<{ tick: string | null; isHidden: boolean }> {
  const { text, isHidden } = await textOf(readFile(`/proc/${pid}/stat`, 'utf8'))
  if (text === null) return { tick: null, isHidden }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  return { tick: state === 'Z' || state === 'X' ? null : (fields[STARTED_FIELD] ?? null), isHidden }
}

/** Hidden: it may be there, but not for this process's eyes. */
async function textOf(source: Promise<string>): Promise<{ text: string | null; isHidden: boolean }> {
  try {
    return { text: (await source).trim(), isHidden: false }
  } catch (error) {
    const code = faultCode(error)
    return { text: null, isHidden: code !== 'ENOENT' && code !== 'ESRCH' }
  }
}
