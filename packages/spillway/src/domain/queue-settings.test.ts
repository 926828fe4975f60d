import { describe, expect, it } from 'vitest'
import { changedSettings, DEFAULT_QUEUE_SETTINGS, isDefaultSettings, PAUSE_REASON_MAX } from './index.js'

describe('changedSettings', () => {
  it('changes what is named and leaves the rest', () => {
    const before = { paused: true, pauseReason: 'why', leasesMax: 3 }
    expect(changedSettings(before, {})).toEqual(before)
    expect(changedSettings(before, { leasesMax: null })).toEqual({ ...before, leasesMax: null })
    expect(changedSettings(before, { pauseReason: null })).toEqual({ ...before, pauseReason: null })
    expect(changedSettings(DEFAULT_QUEUE_SETTINGS, { paused: true })).toEqual({
      ...DEFAULT_QUEUE_SETTINGS,
      paused: true,
    })
  })

  it('knows a reason only of a queue that is paused', () => {
    const paused = { paused: true, pauseReason: 'why', leasesMax: null }
    expect(changedSettings(paused, { paused: false })).toEqual(DEFAULT_QUEUE_SETTINGS)
    expect(changedSettings(DEFAULT_QUEUE_SETTINGS, { pauseReason: 'why' })).toEqual(DEFAULT_QUEUE_SETTINGS)
  })

  it('bounds a reason and keeps what every database can store', () => {
    const { pauseReason } = changedSettings(DEFAULT_QUEUE_SETTINGS, {
      paused: true,
      pauseReason: `a\0b${'x'.repeat(1_000)}`,
    })
    expect(pauseReason).toHaveLength(PAUSE_REASON_MAX)
    expect(pauseReason?.startsWith('abx')).toBe(true)
  })
})

describe('isDefaultSettings', () => {
  it('is true of a queue that is as any queue is', () => {
    expect(isDefaultSettings(DEFAULT_QUEUE_SETTINGS)).toBe(true)
    expect(isDefaultSettings({ ...DEFAULT_QUEUE_SETTINGS, paused: true })).toBe(false)
    expect(isDefaultSettings({ ...DEFAULT_QUEUE_SETTINGS, leasesMax: 1 })).toBe(false)
  })
})
