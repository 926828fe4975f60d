// `spillway journal salvage`: everything of a spool that can be read, shipped or not, as lines of JSON. What to do with it is for a person to
// decide, because some of it may have been executed long ago.

import { listRefused, readRefused } from '../../agent/index.js'
import { decodeBody, decodeEnvelope } from '../../domain/index.js'
import { nodeFiles, salvageJournal } from '../../journal/index.js'
import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { jsonLine } from '../printable.js'
import { spoolArgs, spoolFolder } from '../spool-folder.js'

export const journalSalvage = command({
  args: spoolArgs,
  examples: [
    ['./spool > salvaged.ndjson', 'one chunk per line, with the payloads of its commands'],
    ["./spool | jq -c '.payloads[]'", 'the payloads alone'],
  ],
  notes: [
    'Also what is in quarantine or was put aside. Bytes that are no chunk come in base64, with the reason.',
    'Exit code 1 when something could not be read. Changes nothing, and may run beside writers and agents.',
  ],
  async run(invocation) {
    const { values, terminal } = invocation
    const { out, messages, unread } = terminal
    const spool = await spoolFolder(invocation, values)
    const take = (payload: Uint8Array): Promise<void> | void => {
      if (unread.aborted) throw new Error('Nobody reads the output any more.')
      out.line(jsonLine(lineOf(payload)))
      // Memory stays bounded however much there is.
      return terminal.flush()
    }
    const report = await salvageJournal({ files: nodeFiles, spool, take })
    const refused = await listRefused(nodeFiles, spool)
    for (const { path } of refused) await take(await (await readRefused(nodeFiles, path)).payload())
    const { segments, frames, commands, unreadableBytes } = report
    messages.line(
      `${frames} frames with ${commands} commands from ${segments} segments, ${refused.length} that were put aside, ${unreadableBytes} bytes unreadable.`,
    )
    return unreadableBytes > 0 ? EXIT.failed : EXIT.ok
  },
})

function lineOf(payload: Uint8Array): object {
  try {
    const { body, codec: _, ...chunk } = decodeEnvelope(payload)
    return { ...chunk, payloads: decodeBody(body, chunk.size) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be read'
    return { unreadable: reason, base64: Buffer.from(payload).toString('base64') }
  }
}
