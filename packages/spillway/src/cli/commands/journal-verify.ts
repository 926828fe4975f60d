// `spillway journal verify`: whether every frame of a spool can be read.

import { nodeFiles, nodeProcesses, type VerifyWriterReport, verifyJournal } from '../../journal/index.js'
import { systemClock } from '../../runtime/index.js'
import { byteSize } from '../byte-size.js'
import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { jsonLine } from '../printable.js'
import { spoolArgs, spoolFolder } from '../spool-folder.js'
import { suggest } from '../suggestion.js'
import { type Column, writeTable } from '../table.js'

interface DamageRow {
  readonly where: string
  readonly kind: string
  readonly bytes: number
  readonly commands: number | null
}

const WRITERS: readonly Column<VerifyWriterReport>[] = [
  { heading: 'writer', cell: ({ writerId }) => writerId },
  { heading: 'segments', cell: ({ segments }) => String(segments), right: true },
  { heading: 'size', cell: ({ bytes }) => byteSize(bytes), right: true },
  { heading: 'frames', cell: ({ frames }) => String(frames), right: true },
  { heading: 'commands', cell: ({ commands }) => String(commands), right: true },
]
const DAMAGES: readonly Column<DamageRow>[] = [
  { heading: 'damage', cell: ({ kind }) => kind },
  { heading: 'where', cell: ({ where }) => where },
  { heading: 'bytes', cell: ({ bytes }) => String(bytes), right: true },
  { heading: 'commands', cell: ({ commands }) => String(commands ?? '?'), right: true },
]

export const journalVerify = command({
  args: spoolArgs,
  examples: [
    ['', 'the spool of the configuration'],
    ['/mnt/old-disk/spool', 'a folder that was saved from elsewhere'],
  ],
  notes: [
    'Exit code 1 when something cannot be read or is missing. The torn last write of a writer that died is none: it was never acknowledged.',
    'Changes nothing, and may run beside writers and agents.',
  ],
  async run(invocation) {
    const { values, terminal } = invocation
    const { out, messages } = terminal
    const spool = await spoolFolder(invocation, values)
    const report = await verifyJournal({
      ...{ files: nodeFiles, processes: nodeProcesses, clock: systemClock, spool },
    })
    const rows = report.writers.flatMap(damagesOf)
    const isSound = rows.every(({ kind }) => kind === 'torn') && report.quarantined === 0
    if (values.json === true) {
      out.line(jsonLine({ sound: isSound, ...report }))
      return isSound ? EXIT.ok : EXIT.failed
    }
    if (report.writers.length > 0) writeTable(out, WRITERS, report.writers)
    if (rows.length > 0) {
      out.line()
      writeTable(out, DAMAGES, rows)
    }
    if (report.quarantined > 0) messages.line(`${report.quarantined} segments are in quarantine.`)
    for (const { writerId, undecidedBytes } of report.writers) {
      if (undecidedBytes === 0) continue
      messages.line(
        `${writerId} is writing: its last ${undecidedBytes} bytes cannot be read yet. If they still cannot in a second look, they are damaged.`,
      )
    }
    messages.line(isSound ? 'Everything can be read.' : 'Not everything can be read.')
    if (!isSound) suggest(terminal, {}, `journal salvage ${spool} > salvaged.ndjson`)
    return isSound ? EXIT.ok : EXIT.failed
  },
})

function damagesOf({ damages }: VerifyWriterReport): DamageRow[] {
  return damages.map(({ kind, writerId, segment, from, to, commands }) => ({
    where: `${writerId} segment ${segment}, bytes ${from} to ${to}`,
    ...{ kind, bytes: to - from, commands },
  }))
}
