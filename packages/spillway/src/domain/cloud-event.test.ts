import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChunkDraft } from './chunk.js'
import {
  CLOUD_EVENT_CONTENT_TYPE,
  type CloudEvent,
  type EventMessage,
  readCloudEvent,
  readJson,
} from './cloud-event.js'
import { encodeEventChunk, eventChunk, eventPriority } from './event-chunk.js'
import { fingerprint } from './fingerprint.js'

const EVENT = { specversion: '1.0', id: '1', source: '/shop', type: 'order.place', data: { n: 1 } }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function message(body: unknown, over: Partial<EventMessage> = {}): EventMessage {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { contentType: CLOUD_EVENT_CONTENT_TYPE, headers: {}, body: bytes(text), ...over }
}

function faultOf(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof SyntaxError) return error.message
  }
  throw new Error('was read')
}

describe('a structured event', () => {
  it('is read with its attributes and data', () => {
    expect(readCloudEvent(message({ ...EVENT, subject: 's', priority: 5 }))).toEqual({
      ...{ id: '1', source: '/shop', type: 'order.place', data: { n: 1 } },
      attributes: { subject: 's', priority: 5 },
    })
  })

  it('may name its character set, and hold its data as base64', () => {
    const contentType = 'Application/CloudEvents+JSON; charset=UTF-8'
    const { data, ...rest } = EVENT
    const encoded = { ...rest, data_base64: Buffer.from(JSON.stringify(data)).toString('base64') }
    expect(readCloudEvent(message(encoded, { contentType }))?.data).toEqual({ n: 1 })
    expect(readCloudEvent(message({ ...EVENT, datacontenttype: 'application/vnd.x+json' }))?.data).toEqual({
      n: 1,
    })
    expect(readCloudEvent(message({ ...EVENT, data: null }))?.data).toBeNull()
  })

  it('says what is wrong with it, and never what is in it', () => {
    const faults: [unknown, string][] = [
      ['{"secret', 'not JSON'],
      [[EVENT], 'no JSON object'],
      ['null', 'no JSON object'],
      [{ ...EVENT, specversion: '0.3' }, 'version'],
      [{ ...EVENT, specversion: undefined }, 'version'],
      [{ ...EVENT, id: '' }, 'no id'],
      [{ ...EVENT, id: 5 }, 'no id'],
      [{ ...EVENT, id: 'x'.repeat(3_000) }, 'no id'],
      [{ ...EVENT, source: null }, 'no source'],
      [{ ...EVENT, type: {} }, 'no type'],
      [{ ...EVENT, data: undefined }, 'no data'],
      [{ ...EVENT, datacontenttype: 'text/xml', data: '<secret/>' }, 'datacontenttype'],
      [{ ...EVENT, data: undefined, data_base64: 5 }, 'data_base64'],
      [{ ...EVENT, data: undefined, data_base64: 'c2VjcmV0' }, 'not JSON'],
    ]
    for (const [body, words] of faults) {
      const fault = faultOf(() => readCloudEvent(message(body)))
      expect(fault).toContain(words)
      expect(fault).not.toContain('secret')
    }
    expect(faultOf(() => readCloudEvent({ ...message(''), body: Uint8Array.of(0xff) }))).toContain('not JSON')
    for (const contentType of ['application/cloudevents-batch+json', 'application/cloudevents+xml'])
      expect(faultOf(() => readCloudEvent(message(EVENT, { contentType })))).toMatch(/many|format/)
  })
})

describe('a binary event', () => {
  it('is read in the headers of every protocol', () => {
    for (const prefix of ['ce-', 'CE-', 'ce_', 'cloudEvents_', 'cloudEvents:']) {
      const headers = Object.fromEntries(
        Object.entries({ ...EVENT, data: undefined, priority: '7' }).map(([name, value]) => [
          `${prefix}${name}`,
          String(value),
        ]),
      )
      expect(readCloudEvent(message('{"n":1}', { contentType: 'application/json', headers }))).toMatchObject({
        ...{ id: '1', source: '/shop', type: 'order.place', data: { n: 1 } },
        attributes: { priority: '7' },
      })
    }
  })

  it('has percent-encoded headers where they are ASCII', () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': '%C3%BC%20', 'ce-source': '/a%zz', 'ce-type': 't' }
    expect(readCloudEvent(message('1', { contentType: null, headers }))).toMatchObject({
      id: 'ü ',
      source: '/a%zz',
    })
  })

  it('must have JSON as its data', () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/', 'ce-type': 't' }
    expect(faultOf(() => readCloudEvent(message('x', { contentType: 'text/plain', headers })))).toContain(
      'text/plain',
    )
    expect(faultOf(() => readCloudEvent(message('x', { contentType: null, headers })))).toContain('not JSON')
  })

  it('is none without a version, whatever else the headers say', () => {
    for (const headers of [{}, { 'ce-id': '1' }, { specversion: '1.0' }])
      expect(readCloudEvent(message('1', { contentType: 'application/json', headers }))).toBeNull()
  })
})

describe('readJson', () => {
  it('reads a value or says that it is none', () => {
    expect(readJson(bytes('[1,"ü"]'))).toEqual([1, 'ü'])
    for (const body of ['', 'x', '{', '\u{feff}{'])
      expect(faultOf(() => readJson(bytes(body)))).toContain('not JSON')
  })
})

describe('the extension priority', () => {
  it('is a whole number between -100 and 100, or text of one', () => {
    const priorityOf = (priority: unknown) => eventPriority({ priority })
    expect([5, '5', '-100', 100].map(priorityOf)).toEqual([5, 5, -100, 100])
    expect(eventPriority({})).toBeNull()
    for (const priority of ['', 'high', '101', 1.5, null, '1e1'])
      expect(faultOf(() => priorityOf(priority))).toContain('priority')
  })
})

describe('a chunk as an event', () => {
  const draft: ChunkDraft = {
    ...{ id: '0197000000007000800000000000abcd', queue: 'ördérs/x', type: 'order.place', priority: 0 },
    ...{ partition: null, tenant: null, codec: 'json', body: '[{"n":1}]', size: 1, keys: null, parked: null },
  }
  const read = (text: string): CloudEvent => readCloudEvent(message(text)) as CloudEvent

  it('comes back as the very same chunk', () => {
    fc.assert(
      fc.property(
        fc.record({
          payload: fc.jsonValue(),
          priority: fc.integer({ min: -100, max: 100 }),
          partition: fc.option(fc.integer({ min: 0, max: 1_000 })),
          tenant: fc.option(fc.stringMatching(/^[a-zü"\\ ]{1,20}$/)),
          key: fc.option(fc.stringMatching(/^[a-zü"\\ ]{1,20}$/)),
          nextAt: fc.option(fc.integer({ min: 0, max: 4_000_000_000_000 })),
        }),
        ({ payload, priority, partition, tenant, key, nextAt }) => {
          const json = JSON.stringify(payload)
          const chunk: ChunkDraft = {
            ...{ ...draft, priority, partition, tenant, body: `[${json}]` },
            keys: key === null ? null : [{ key, fingerprint: fingerprint(json), windowMs: 86_400_000 }],
            parked: nextAt === null ? null : [{ state: 'scheduled', nextAt, attempts: 0, error: null }],
          }
          expect(eventChunk(read(encodeEventChunk(chunk)))).toEqual(chunk)
        },
      ),
    )
  })

  it('is an event that others can read: an id of its own, its source, type, time and data', () => {
    expect(JSON.parse(encodeEventChunk(draft))).toEqual({
      ...{
        specversion: '1.0',
        id: `${draft.id}-0`,
        source: '/spillway/%C3%B6rd%C3%A9rs%2Fx',
        type: 'order.place',
      },
      ...{ time: '2025-05-24T01:54:49.472Z', datacontenttype: 'application/json', data: { n: 1 } },
    })
  })

  it('holds one command', () => {
    expect(() => encodeEventChunk({ ...draft, size: 2, body: '[1,2]' })).toThrow(RangeError)
  })

  it('is not what others send, whatever they call it', () => {
    for (const over of [{ source: '/shop' }, { id: '1' }, { id: `${draft.id}-1` }])
      expect(
        eventChunk(read(JSON.stringify({ ...EVENT, id: `${draft.id}-0`, source: '/spillway/q', ...over }))),
      ).toBeNull()
  })

  it('is refused when it only looks like one', () => {
    const like = { ...EVENT, id: `${draft.id}-0`, source: '/spillway/q' }
    for (const over of [
      { source: '/spillway/%zz' },
      { source: '/spillway/' },
      { type: 'x'.repeat(101) },
      { partition: -1 },
      { tenant: 5 },
      { tenant: 'a\u0000' },
      { idempotencykey: 'k' },
      { idempotencykey: 'x'.repeat(256), idempotencywindow: '5' },
      { runat: 'tomorrow' },
      { priority: 1_000 },
    ])
      expect(faultOf(() => eventChunk(read(JSON.stringify({ ...like, ...over }))))).toContain('attribute')
  })
})
