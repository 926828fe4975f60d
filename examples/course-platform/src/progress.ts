// One line of live progress on stderr. Only on a terminal: logs and pipes get the results, not the animation.

const BAR_WIDTH = 24
const REDRAW_MS = 100
const CLEAR_LINE = '\r\x1b[2K'

export interface Progress {
  /** Shows how far a job is until the returned function is called; `done` is asked for between redraws. */
  start(label: string, total: number, done: () => number | Promise<number>): () => void
  /** The same for a job whose progress cannot be seen from here. */
  wait(label: string): () => void
}

const NO_PROGRESS: Progress = { start: () => () => {}, wait: () => () => {} }

export function progressOn(stream: NodeJS.WriteStream): Progress {
  if (stream.isTTY !== true) return NO_PROGRESS
  const show = (line: (seconds: number) => string) => {
    const startedAt = performance.now()
    const draw = () => stream.write(CLEAR_LINE + line((performance.now() - startedAt) / 1_000))
    draw()
    const timer = setInterval(draw, REDRAW_MS)
    return () => {
      clearInterval(timer)
      stream.write(CLEAR_LINE)
    }
  }
  return {
    start(label, total, done) {
      const known = lastKnown(done)
      return show((seconds) => progressLine(label, Math.min(known(), total), total, seconds))
    },
    wait: (label) => show((seconds) => `${label}, ${seconds.toFixed(0)} s`),
  }
}

/** The latest answer of a question that may take its time; while one is under way no other is asked. */
function lastKnown(ask: () => number | Promise<number>): () => number {
  let value = 0
  let isAsking = false
  return () => {
    if (!isAsking) {
      isAsking = true
      // A database that is being killed for the demo has no answer, and the line keeps the last one.
      Promise.resolve(ask())
        .then((answer) => {
          value = answer
        })
        .catch(() => {})
        .finally(() => {
          isAsking = false
        })
    }
    return value
  }
}

export function progressLine(label: string, done: number, total: number, seconds: number): string {
  const filled = total === 0 ? 0 : Math.floor((done / total) * BAR_WIDTH)
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
  const rate = seconds === 0 ? 0 : Math.round(done / seconds)
  const count = (value: number) => value.toLocaleString('en-US')
  return `${label.padEnd(22)} ${bar} ${count(done)} of ${count(total)}, ${count(rate)}/s`
}
