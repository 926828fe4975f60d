import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBody } from '../domain/index.js'
import type { PreparedCommand } from '../ports/index.js'
import { draftOf, groupOffers } from './drafts.js'
import type { Offer } from './offer.js'

const kinds = fc.record({
  type: fc.constantFrom('a', 'b'),
  priority: fc.constantFrom(0, 1),
  partition: fc.constantFrom(null, 0, 1),
  tenant: fc.constantFrom(null, 'x', 'y'),
  runAt: fc.constantFrom(null, 5),
  hasKey: fc.boolean(),
})

it('every command is in exactly one chunk of its kind, in order, and keeps its key and time', () => {
  fc.assert(
    fc.property(
      fc.array(kinds, { maxLength: 60 }),
      fc.integer({ min: 1, max: 10 }),
      (commands, commandsMax) => {
        const offers = commands.map(({ hasKey, ...kind }, index): Offer => {
          const json = String(index)
          const key = hasKey ? { key: json, fingerprint: json, windowMs: 1 } : null
          const command: PreparedCommand = {
            ...kind,
            queue: 'q',
            json,
            bytes: json.length,
            key,
          }
          return { command, done: () => {} }
        })
        const drafts = groupOffers(offers, commandsMax).map((group, index) =>
          draftOf(`chunk${index}`, 'q', group),
        )
        const indexes = drafts.map(({ body, size }) => decodeBody(body, size) as number[])
        expect(indexes.flat().sort((a, b) => a - b)).toEqual(commands.map((_, index) => index))
        for (const [place, draft] of drafts.entries()) {
          const members = (indexes[place] as number[]).map(
            (index) => commands[index] as (typeof commands)[number],
          )
          expect(draft.size).toBeLessThanOrEqual(commandsMax)
          expect(indexes[place]).toEqual([...(indexes[place] as number[])].sort((a, b) => a - b))
          expect(draft.keys?.map((key) => key !== null) ?? members.map(() => false)).toEqual(
            members.map(({ hasKey }) => hasKey),
          )
          expect(draft.parked?.map((parked) => parked?.nextAt) ?? members.map(() => null)).toEqual(
            members.map(({ runAt }) => runAt),
          )
          for (const { type, priority, partition, tenant } of members)
            expect({ type, priority, partition, tenant }).toEqual({
              type: draft.type,
              priority: draft.priority,
              partition: draft.partition,
              tenant: draft.tenant,
            })
        }
        for (const partition of [0, 1]) {
          const inOrder = drafts.flatMap((draft, place) =>
            draft.partition === partition ? (indexes[place] as number[]) : [],
          )
          expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b))
        }
      },
    ),
  )
})
