// Where a command writes: data to standard output, messages to standard error. Whether either is a terminal decides about
// colour and progress. A reader that went away (`spillway list | head`) is not an error.

import { styleText } from 'node:util'

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

export interface Output {
  readonly isTty: boolean
  /** The text in a colour, where colours are wanted. */
  paint(colour: Colour, text: string): string
  /** Text and a line break. */
  line(text?: string): void
}

export interface Terminal {
  /** Data. */
  readonly out: Output
  /** Messages. */
  readonly messages: Output
  /** Aborts when nobody reads the data any more: there is no point in producing more. */
  readonly unread: AbortSignal
  /** A line on standard error that the next one replaces; nothing when that is not a terminal. */
  progress(text: string): void
  /** Resolves when everything written has left the process. */
  flush(): Promise<void>
}

const ERASE_LINE = '\r\u001b[2K'

export function openTerminal(colourless: boolean): Terminal {
  const unread = new AbortController()
  const { stdout, stderr } = process
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    unread.abort()
    if (error.code !== 'EPIPE') throw error
  })
  // Messages nobody reads are lost; the work goes on.
  stderr.on('error', () => {})
  let progressShown = false
  const clearProgress = (): void => {
    if (progressShown) stderr.write(ERASE_LINE)
    progressShown = false
  }
  return {
    out: openOutput(stdout, colourless, clearProgress),
    messages: openOutput(stderr, colourless, clearProgress),
    unread: unread.signal,
    progress(text) {
      if (!stderr.isTTY) return
      stderr.write(`${ERASE_LINE}${text}`)
      progressShown = true
    },
    async flush() {
      clearProgress()
      await Promise.all([flushed(stdout), flushed(stderr)])
    },
  }
}

function openOutput(stream: NodeJS.WriteStream, colourless: boolean, before: () => void): Output {
  const isTty = stream.isTTY === true
  return {
    isTty,
    paint: (colour, text) =>
      isTty && !colourless ? styleText(colour, text, { validateStream: false }) : text,
    line(text = '') {
      if (stream.destroyed || !stream.writable) return
      before()
      stream.write(`${text}\n`)
    },
  }
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || !stream.writable) return Promise.resolve()
  return new Promise((resolve) => stream.write('', () => resolve()))
}
