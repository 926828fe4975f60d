// Lines of a byte stream. A whole network chunk is decoded at once and its lines are slices of that one string; only the tail
// of a chunk is kept, and never more of it than one line may have.

import { isUtf8 } from 'node:buffer'
import { RequestError } from './problem.js'

const NEWLINE = 0x0a

/** A line without its newline, or why it cannot be read. `number` counts from 1; lines of blanks only are left out. */
export interface Line {
  readonly number: number
  readonly text: string | Error
}

export class LineSplitter {
  readonly #lineBytesMax: number
  #tail: Buffer[] = []
  #tailBytes = 0
  /** Inside a line that is too long: its rest is dropped. */
  #dropping = false
  #number = 0

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax
  }

  /** Lines read so far. */
  get count(): number {
    return this.#number
  }

  /** Appends the lines that this chunk completes. */
  push(chunk: Buffer, lines: Line[]): void {
    const first = chunk.indexOf(NEWLINE)
    if (first === -1) {
      this.#keep(chunk)
      return
    }
    const last = chunk.lastIndexOf(NEWLINE)
    this.#keep(chunk.subarray(0, first))
    this.#endTail(lines)
    if (last > first) this.#split(chunk.subarray(first + 1, last), lines)
    this.#keep(chunk.subarray(last + 1))
  }

  /** Appends the last line, which needs no newline. */
  end(lines: Line[]): void {
    if (this.#tailBytes > 0 || this.#dropping) this.#endTail(lines)
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0 || this.#dropping) return
    this.#tailBytes += bytes.length
    if (this.#tailBytes > this.#lineBytesMax) {
      this.#dropping = true
      this.#tail = []
      return
    }
    this.#tail.push(bytes)
  }

  #endTail(lines: Line[]): void {
    const tail = this.#tail.length === 1 ? (this.#tail[0] as Buffer) : Buffer.concat(this.#tail)
    const tooLong = this.#dropping
    this.#tail = []
    this.#tailBytes = 0
    this.#dropping = false
    this.#add(tooLong ? this.#tooLong() : decoded(tail), lines)
  }

  #split(bytes: Buffer, lines: Line[]): void {
    if (!isUtf8(bytes)) {
      // One broken line must not cost its neighbours: they are decoded one by one.
      this.#splitBytes(bytes, lines)
      return
    }
    const text = bytes.toString('utf8')
    for (let start = 0; start <= text.length; ) {
      const newline = text.indexOf('\n', start)
      const end = newline === -1 ? text.length : newline
      const line = text.slice(start, end)
      // A character is at most three bytes of UTF-8 per UTF-16 unit: only lines that could be too long are measured.
      this.#add(
        line.length * 3 > this.#lineBytesMax && Buffer.byteLength(line) > this.#lineBytesMax
          ? this.#tooLong()
          : line,
        lines,
      )
      start = end + 1
    }
  }

  #splitBytes(bytes: Buffer, lines: Line[]): void {
    for (let start = 0; start <= bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, start)
      const end = newline === -1 ? bytes.length : newline
      this.#add(
        end - start > this.#lineBytesMax ? this.#tooLong() : decoded(bytes.subarray(start, end)),
        lines,
      )
      start = end + 1
    }
  }

  #add(text: string | Error, lines: Line[]): void {
    this.#number += 1
    if (typeof text === 'string' && isBlank(text)) return
    lines.push({ number: this.#number, text })
  }

  #tooLong(): Error {
    return new RequestError('line_too_large', `A line may have at most ${this.#lineBytesMax} bytes.`)
  }
}

function decoded(bytes: Buffer): string | Error {
  return isUtf8(bytes)
    ? bytes.toString('utf8')
    : new RequestError('malformed_json', 'The line is not valid UTF-8.')
}

function isBlank(text: string): boolean {
  return text.charCodeAt(0) !== OPEN_OBJECT && text.trim() === ''
}

/** What almost every line starts with. */
const OPEN_OBJECT = 0x7b
