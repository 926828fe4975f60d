// A terminal that remembers what was written to it.

import type { Output, Terminal } from '../../src/cli/terminal.js'

export interface RecordingOutput extends Output {
  readonly lines: string[]
  readonly text: string
}

/** `painted` shows colours as `<red>text</red>`. */
export function recordingOutput(painted = false): RecordingOutput {
  const lines: string[] = []
  return {
    isTty: painted,
    lines,
    paint: (colour, text) => (painted ? `<${colour}>${text}</${colour}>` : text),
    line: (text = '') => lines.push(text),
    get text() {
      return lines.join('\n')
    },
  }
}

export interface RecordingTerminal extends Terminal {
  readonly out: RecordingOutput
  readonly messages: RecordingOutput
}

export function recordingTerminal(): RecordingTerminal {
  return {
    out: recordingOutput(),
    messages: recordingOutput(),
    unread: new AbortController().signal,
    progress: () => {},
    flush: async () => {},
  }
}
