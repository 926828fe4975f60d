// A process that can die, stall, shut down and come back: each time as a new incarnation with nothing of the old one but
// what the store remembers.

import type { Clock } from '../../ports/index.js'
import type { Dice } from './dice.js'
import { Life } from './life.js'
import type { Recording } from './recording.js'

const RESTART_MS_MIN = 10
const RESTART_MS_MAX = 700
const SKEW_MS_MAX = 500

export interface Program {
  /** Shuts down in good order. */
  stop(): Promise<void>
  /** What the world has to know when it dies instead. */
  died?(): void
}

export interface SimProcessOptions {
  readonly name: string
  readonly boot: (life: Life) => Program
  readonly clock: Clock
  readonly dice: Dice
  readonly recording: Recording
}

export class SimProcess {
  readonly name: string
  readonly #options: SimProcessOptions
  readonly #skewMs: number
  #incarnation = 0
  #life: Life | null = null
  #program: Program | null = null
  #stopping = false

  constructor(options: SimProcessOptions) {
    this.name = options.name
    this.#options = options
    this.#skewMs = Math.round(options.dice.between(-SKEW_MS_MAX, SKEW_MS_MAX))
  }

  start(): void {
    if (this.#life !== null) return
    const { clock, recording, boot } = this.#options
    this.#incarnation += 1
    const process = `${this.name}#${this.#incarnation}`
    recording.incident(process, 'starts')
    const life = new Life({ process, clock, skewMs: this.#skewMs, onCrash: () => this.#fell(life) })
    this.#life = life
    this.#program = boot(life)
  }

  crash(): void {
    void this.#life?.crash()
  }

  pause(ms: number): void {
    const life = this.#life
    if (life === null || life.paused) return
    this.#options.recording.incident(life.process, 'stopped')
    life.pause()
    this.#options.clock.schedule(ms, () => this.#resume(life))
  }

  cutOff(ms: number): void {
    const life = this.#life
    if (life === null) return
    this.#options.recording.incident(life.process, 'cut off')
    life.cutOff(ms)
  }

  resume(): void {
    if (this.#life?.paused === true) this.#resume(this.#life)
  }

  /** Shuts down and starts again, as a deployment does. */
  async redeploy(): Promise<void> {
    const life = this.#life
    if (life === null || life.paused || this.#stopping || this.#program === null) return
    this.#stopping = true
    this.#options.recording.incident(life.process, 'shuts down')
    await this.#program.stop()
    this.#stopping = false
    this.#options.recording.incident(life.process, 'has shut down')
    life.end()
    this.#life = null
    this.#startLater()
  }

  #resume(life: Life): void {
    if (!life.paused) return
    this.#options.recording.incident(life.process, 'resumes')
    life.resume()
  }

  #fell(life: Life): void {
    this.#options.recording.incident(life.process, 'crashed')
    const program = this.#program
    this.#life = null
    this.#program = null
    this.#stopping = false
    program?.died?.()
    this.#startLater()
  }

  #startLater(): void {
    const { clock, dice } = this.#options
    clock.schedule(dice.between(RESTART_MS_MIN, RESTART_MS_MAX), () => this.start())
  }
}
