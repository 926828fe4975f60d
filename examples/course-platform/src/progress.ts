// One line of live progress on stderr. Only on a terminal: logs and pipes get the results, not the animation.

const BAR_WIDTH = 24
const REDRAW_MS = 100
const CLEAR_LINE = '\r\x1b[2K'

export interface Progress {
  /** Shows how far a job is until the returned function is called; `done` is asked for on every redraw. */
  start(label: string, total: number, done: () => number): () => void
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
    start: (label, total, done) =>
      show((seconds) => progressLine(label, Math.min(done(), total), total, seconds)),
    wait: (label) => show((seconds) => `${label}, ${seconds.toFixed(0)} s`),
  }
}

export function progressLine(label: string, done: number, total: number, seconds: number): string {
  const filled = total === 0 ? 0 : Math.floor((done / total) * BAR_WIDTH)
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
  const rate = seconds === 0 ? 0 : Math.round(done / seconds)
  const count = (value: number) => value.toLocaleString('en-US')
  return `${label.padEnd(22)} ${bar} ${count(done)} of ${count(total)}, ${count(rate)}/s`
}
