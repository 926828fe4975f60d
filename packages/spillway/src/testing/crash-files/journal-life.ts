// A random script, by seed: processes that write a journal, die, are taken for dead wrongly, run into full and failing disks, and an agent
// that reads, leaves behind and starts anew. After every change of the disk it hands out what a crash would leave.

import { isSpillwayError } from '../../errors/index.js'
import { type Frame, Journal, listWriters, WriterTail } from '../../journal/index.js'
import type { Files, Random } from '../../ports/index.js'
import { SILENT } from '../../ports/index.js'
import { seededRandom } from '../seeded-random.js'
import { VirtualClock } from '../virtual-clock.js'
import { CrashDisk } from './crash-disk.js'
import { type CrashKind, crashImage, flipBit } from './crash-image.js'
import { FakeProcesses } from './fake-processes.js'
import { JournalFacts } from './journal-facts.js'
import type { PlantedBug } from './planted-bugs.js'

export const SPOOL = '/spool'

export interface TakenImage {
  readonly disk: CrashDisk
  readonly kind: CrashKind
  /** The file of which one bit was flipped. */
  readonly flipped: string | null
  /** Changes of the disk before it. */
  readonly at: number
}

interface Reading {
  readonly tail: WriterTail
  /** Handed out, not yet in good hands. */
  readonly held: Frame[]
  lastOrder: number
}

const STEPS_MIN = 10
const STEPS_MAX = 24
const FRAMES_MAX = 3
const NEXT_BYTES_MAX = 600
const QUIET_ROUNDS_MAX = 60
const SEGMENT_BYTES = [512, 700, 1_500]
const SLANDER_ROUNDS = 5
const TURNS_MAX = 2
const SMALL_DISK_BYTES = 7_000

export class JournalLife {
  readonly facts = new JournalFacts()
  readonly violations: string[] = []
  readonly level: 'written' | 'synced'
  readonly #random: Random
  readonly #judge: (image: TakenImage) => Promise<void>
  #images: TakenImage[] = []
  readonly #clock = new VirtualClock()
  readonly #processes = new FakeProcesses()
  readonly #disk: CrashDisk
  readonly #files: Files
  readonly #bug: PlantedBug | null
  readonly #faults: { readonly capacity: number; readonly syncFails: number; readonly writeFails: number }
  #journal: Journal | null = null
  #pid = 0
  #writers = 0
  #readings = new Map<string, Reading>()

  /** `judge` gets every image soon after it was taken. */
  constructor(seed: number, bug: PlantedBug | null, judge: (image: TakenImage) => Promise<void>) {
    const random = seededRandom(seed)
    this.#random = random
    this.#bug = bug
    this.#judge = judge
    this.level = random() < 0.75 ? 'synced' : 'written'
    this.#faults = {
      capacity: random() < 0.2 ? SMALL_DISK_BYTES : Number.POSITIVE_INFINITY,
      syncFails: random() < 0.3 ? 0.1 : 0,
      writeFails: random() < 0.15 ? 0.1 : 0,
    }
    const now = (): number => this.#clock.now()
    this.#disk = new CrashDisk({ random, now, turnsMax: TURNS_MAX, onChange: () => this.#takeImages() })
    this.#files = bug?.files?.(this.#disk) ?? this.#disk
  }

  async run(): Promise<void> {
    await this.#disk.makeFolder(SPOOL)
    await (await this.#disk.open(`${SPOOL}/ballast`, 'create')).close()
    await this.#disk.syncFolder('/')
    await this.#startWriter()
    Object.assign(this.#disk.faults, this.#faults)
    const steps = STEPS_MIN + Math.floor(this.#random() * (STEPS_MAX - STEPS_MIN))
    for (let step = 0; step < steps; step += 1) {
      await this.#act()
      await this.#judgeImages()
    }
    await this.#endQuietly()
    await this.#judgeImages()
  }

  async #judgeImages(): Promise<void> {
    const images = this.#images
    this.#images = []
    for (const image of images) await this.#judge(image)
  }

  async #act(): Promise<void> {
    const luck = this.#random()
    if (luck < 0.4) await this.#append()
    else if (luck < 0.6) await Promise.all([this.#append(), this.#read()])
    else if (luck < 0.76) await this.#ship()
    else if (luck < 0.8) this.#readings.clear()
    else if (luck < 0.86) await this.#restartWriter()
    else if (luck < 0.96) await this.#slander()
    else await this.#clock.advance(1_000)
  }

  async #startWriter(): Promise<void> {
    this.#pid = this.#processes.start()
    const segmentBytes = SEGMENT_BYTES[Math.floor(this.#random() * SEGMENT_BYTES.length)] as number
    this.#journal = await Journal.open({
      folder: SPOOL,
      level: this.level,
      maxBytes: this.#random() < 0.2 ? 2_500 : 1_000_000,
      minFreeBytes: 0,
      segmentBytes,
      files: this.#files,
      processes: this.#processes.seenFrom(this.#pid),
      clock: this.#clock,
      newWriterId: () => this.#newWriterId(),
      telemetry: SILENT,
    })
  }

  async #append(): Promise<void> {
    const appends = 1 + Math.floor(this.#random() * 2)
    await Promise.all(Array.from({ length: appends }, () => this.#appendOnce()))
  }

  async #appendOnce(): Promise<void> {
    const frames = 1 + Math.floor(this.#random() * FRAMES_MAX)
    const submitted = Array.from({ length: frames }, () => this.facts.submit(this.#random))
    try {
      await this.#journal?.append(submitted.map(({ frame, payload }) => ({ count: frame.count, payload })))
      for (const { frame } of submitted) frame.ackedAt = this.#disk.changes
    } catch (error) {
      if (!isSpillwayError(error)) this.violations.push(`an append failed with ${error}`)
    }
  }

  /** A process that is gone while nothing is under way, or that closed. */
  async #restartWriter(): Promise<void> {
    if (this.#random() < 0.5) await this.#journal?.close()
    this.#processes.set(this.#pid, 'dead')
    await this.#startWriter()
  }

  /** The agent takes a living writer for dead while it writes, and reads to what it believes to be the end. */
  async #slander(): Promise<void> {
    this.#processes.set(this.#pid, 'dead')
    await this.#clock.advance(1_000)
    for (let round = 0; round < SLANDER_ROUNDS; round += 1) await this.#read()
    await Promise.all([this.#append(), this.#read()])
    await Promise.all([this.#append(), this.#read(), this.#ship()])
    await this.#append()
    this.#processes.set(this.#pid, 'alive')
  }

  async #read(): Promise<void> {
    await this.#tolerate(async () => {
      for (const { writerId, folder } of await listWriters(this.#files, SPOOL)) {
        const reading = this.#readings.get(writerId) ?? (await this.#open(folder))
        this.#readings.set(writerId, reading)
        const { frames, state } = await reading.tail.next(Math.floor(this.#random() * NEXT_BYTES_MAX))
        for (const frame of frames) this.#handOut(reading, frame)
        if (state === 'ended' && reading.held.length === 0) {
          await reading.tail.remove()
          this.#readings.delete(writerId)
        }
      }
    })
  }

  #handOut(reading: Reading, frame: Frame): void {
    const submitted = this.facts.find(frame.payload)
    if (submitted === undefined || submitted.count !== frame.count)
      this.violations.push('a frame was invented')
    else {
      if (submitted.order <= reading.lastOrder) this.violations.push('frames came out of order')
      reading.lastOrder = submitted.order
      submitted.delivered = true
    }
    reading.held.push(frame)
  }

  async #open(folder: string): Promise<Reading> {
    const tail = await WriterTail.open({
      files: this.#files,
      processes: this.#processes.seenFrom(0),
      clock: this.#clock,
      folder,
      onDamage: ({ kind }) => {
        if (kind !== 'torn') this.violations.push(`a healthy journal was called ${kind}`)
      },
    })
    return { tail, held: [], lastOrder: -1 }
  }

  async #ship(): Promise<void> {
    for (const { tail, held } of this.#readings.values()) {
      if (held.length === 0) continue
      const shipped = held.splice(0, 1 + Math.floor(this.#random() * held.length))
      for (const { payload } of shipped) {
        const submitted = this.facts.find(payload)
        if (submitted !== undefined)
          submitted.shippedAt = Math.min(submitted.shippedAt ?? Infinity, this.#disk.changes)
      }
      const upTo = (this.#bug?.isAhead === true ? (held.at(-1) ?? shipped.at(-1)) : shipped.at(-1)) as Frame
      const isAdvanced = await this.#tolerate(() => tail.advance(upTo.end))
      if (!isAdvanced) held.unshift(...shipped)
    }
  }

  /** Everything heals, the last writer dies: whatever was acknowledged must have come out. */
  async #endQuietly(): Promise<void> {
    Object.assign(this.#disk.faults, { capacity: Number.POSITIVE_INFINITY, syncFails: 0, writeFails: 0 })
    this.#processes.set(this.#pid, 'dead')
    let writers = 1
    for (let round = 0; round < QUIET_ROUNDS_MAX && writers > 0; round += 1) {
      await this.#clock.advance(1_000)
      await this.#read()
      await this.#ship()
      writers = (await listWriters(this.#files, SPOOL)).length
    }
    if (writers > 0) this.violations.push(`${writers} writers do not come to an end`)
    const lost = this.facts.undelivered().length
    if (lost > 0) this.violations.push(`${lost} acknowledged frames never came out of a healthy disk`)
  }

  /** A disk that fails says so and is asked again later. */
  async #tolerate(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!isSpillwayError(error, 'journal_failed') && !isFileFault(error)) throw error
      return false
    }
  }

  #takeImages(): void {
    const random = this.#random
    const at = this.#disk.changes
    const take = (kind: CrashKind): CrashDisk => {
      const disk = crashImage(this.#disk, kind, random)
      this.#images.push({ disk, kind, flipped: null, at })
      return disk
    }
    take('subset')
    if (random() < 0.3) take('dark')
    if (random() < 0.3) take('killed')
    if (random() < 0.2) {
      const disk = crashImage(this.#disk, 'killed', random)
      const flipped = flipBit(disk, /\.seg$|checkpoint$|writer\.json$/, random)
      this.#images.push({ disk, kind: 'killed', flipped, at })
    }
  }

  #newWriterId(): string {
    this.#writers += 1
    return this.#writers.toString(16).padStart(32, '0')
  }
}

function isFileFault(error: unknown): boolean {
  return error instanceof Error && 'code' in error
}
