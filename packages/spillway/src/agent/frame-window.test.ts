import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameWindow } from './frame-window.js'

const frame = (end: number) => ({ end, bytes: 10 })

describe('FrameWindow', () => {
  it('passes over what has ended, and over nothing behind what has not', () => {
    const window = new FrameWindow<number>()
    const [a, b, c] = [frame(1), frame(2), frame(3)]
    for (const each of [a, b, c]) window.push(each)
    expect(window.end(c)).toBeNull()
    expect(window.end(a)).toEqual({ to: 1, frames: 1 })
    expect({ frames: window.frames, bytes: window.bytes }).toEqual({ frames: 2, bytes: 20 })
    expect(window.end(b)).toEqual({ to: 3, frames: 2 })
    expect({ frames: window.frames, bytes: window.bytes }).toEqual({ frames: 0, bytes: 0 })
  })

  it('counts an end once, and knows no frame it was not given', () => {
    const window = new FrameWindow<number>()
    const [a, b] = [frame(1), frame(2)]
    window.push(a)
    window.push(b)
    expect(window.end(frame(1))).toBeNull()
    expect(window.end(b)).toBeNull()
    expect(window.end(b)).toBeNull()
    expect(window.end(a)).toEqual({ to: 2, frames: 2 })
    expect(window.end(a)).toBeNull()
  })

  it('has passed exactly the longest prefix that ended, in whatever order that was', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...Array(20).keys()], { minLength: 1 }), (order) => {
        const window = new FrameWindow<number>()
        const frames = Array.from({ length: 20 }, (_, index) => frame(index + 1))
        for (const each of frames) window.push(each)
        const ended = new Set<number>()
        let passed = 0
        for (const index of order) {
          ended.add(index)
          passed = window.end(frames[index] as { end: number; bytes: number })?.to ?? passed
          let prefix = 0
          while (ended.has(prefix)) prefix += 1
          expect(passed).toBe(prefix)
          expect(window.frames).toBe(20 - prefix)
        }
      }),
    )
  })
})
