import { describe, expect, it } from 'vitest'
import { recordingOutput } from '../../../test/cli/recording-terminal.js'
import { createLogs } from '../../telemetry/index.js'
import { humanLog } from './human-log.js'

describe('log lines for people', () => {
  it('say when, how bad, what, and about which command', () => {
    const output = recordingOutput()
    createLogs({ level: 'info', destination: humanLog(output) }).record({
      event: 'command.exception',
      queue: 'mails',
      type: 'letter.issue',
      commandId: 'c-0',
      attempt: 2,
      state: 'retrying',
      errorCode: 'ECONNRESET',
      message: 'reset\u001b[2J',
    })
    expect(output.lines).toHaveLength(1)
    expect(output.lines[0]).toMatch(
      /^\d\d:\d\d:\d\d warn {2}reset\\u001b\[2J {2}command_id=c-0 command_type=letter\.issue queue=mails attempt=2/,
    )
  })

  it('show where a fault came from', () => {
    const output = recordingOutput()
    const logs = createLogs({ level: 'info', destination: humanLog(output) })
    logs.record({ event: 'fault', where: 'promote', error: new Error('disk full') })
    expect(output.lines[0]).toContain('error promote: disk full')
    expect(output.lines[1]).toMatch(/^\s+at /)
  })
})
